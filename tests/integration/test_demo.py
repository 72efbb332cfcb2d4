"""The demo, on the embedded chain and on anvil, and its arithmetic done again by another client."""

import functools
import io
import json
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account.signers.local import LocalAccount
from rich.console import Console

from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import LABEL, deploy_all, open_embedded
from nvm_chain.cli.commands.demo import Teller, describe_speed
from nvm_chain.cli.failures import describe_failure
from nvm_chain.demo import (
    DemoFailed,
    DemoResult,
    NotRefused,
    Step,
    is_development_chain,
    metering,
    open_demo_chain,
    purchase,
    run_demo,
    serving,
)
from nvm_chain.demo.buying import Client
from nvm_chain.demo.results import HttpRefusal
from nvm_chain.demo.serving import serve
from nvm_chain.demo.stage import Stage
from nvm_chain.enums import SettlementResult
from nvm_chain.errors import ConnectionFailed, InvalidConfig, NvmChainError, WrongChain
from nvm_chain.gateway import extras as gateway_extras
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.verifying import MeterVerification, verify_meter
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.receipts import SettlementOutcome, SettlementReceipt
from tests.support.answers import find_problems
from tests.support.anvil import ROOT, open_anvil, run_anvil
from tests.support.reverts import reverts
from tests.support.shell import Ran, clean_environment, expand, run_cli, run_process, run_terminal
from tests.support.world import ZERO, World
from tests.unit.test_cli_help import COMMANDS

pytestmark = pytest.mark.long

EXAMPLES = [example for example in COMMANDS[("demo",)].examples if "--rpc" not in example]
"""What the command's help shows, apart from the demo on a node."""
USUAL_BALANCE = "10000"
"""Coins that an anvil gives to each of its accounts unless told otherwise."""
TERMS = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
"""A plan's terms as the ABI writes them."""

STEPS = [
    ("builder", "registers a plan: 100 credits for 20 USDC, 1 per request", "plan {plan_id:#066x}"),
    ("subscriber", "takes test money from the faucet", "has 50 USDC"),
    ("subscriber", "signs a permit and orders, in one transaction", "has 100 credits and 30 USDC"),
    ("builder", "is paid in the same transaction", "has 20 USDC"),
    ("subscriber", "makes 5 requests, each with its id in the redemption's event", "5 credits used, 95 left"),
    ("builder", "mints a bonus of 10 credits", "the subscriber has 105"),
    ("subscriber", "burns 25 credits", "80 left"),
]
METERED_STEPS = [
    ("builder", "registers a metered plan: 2,000 credits for 20 USDC", "plan {metered.plan_id:#066x}"),
    (
        "subscriber",
        "signs an order, and the builder sends it to the chain",
        "has 2,000 credits and 10 USDC, and spent 0 wei on gas",
    ),
    (
        "builder",
        "gives 9 other holders 10 credits each, in one transaction",
        "each signs a voucher for 10 requests",
    ),
    (
        "subscriber",
        "makes 1,000 requests and signs a voucher for each, off the chain",
        "the last ceiling is 1,000, and the subscriber still has 2,000 credits",
    ),
    ("builder", "checks all 1,000 signatures", "the last voucher alone would bring 1,000 credits"),
    (
        "builder",
        "settles the last voucher and those of 9 others in one transaction",
        "1,090 credits taken, the subscriber has 1,000 left",
    ),
    (
        "builder",
        "settles that voucher again, an earlier one, and one that the stranger forged",
        "nothing taken: already settled, already settled, not signed",
    ),
]
REFUSALS = [
    ("stranger", "tries to redeem the subscriber's credits", "RedeemNotAllowed"),
    ("stranger", "tries to burn the subscriber's credits", "ERC1155MissingApprovalForAll"),
    ("stranger", "tries to mint credits", "NotMinter"),
    ("stranger", "tries to close the plan", "NotPlanOwner"),
    ("stranger", "tries to redeem without credits", "InsufficientCredits"),
    ("stranger", "tries to order without money", "InsufficientFunds"),
    ("builder", "tries to redeem the subscriber's credits", "RedeemNotAllowed"),
    ("subscriber", "tries to redeem more than a request takes", "RedeemOutOfRange"),
    ("subscriber", "tries to burn more credits than they have", "InsufficientCredits"),
]
METERED_REFUSALS = [
    ("subscriber", "tries to pay with a settled voucher", "VoucherAlreadySettled"),
    ("stranger", "tries to pay with a forged voucher", "VoucherSignatureInvalid"),
    ("stranger", "tries to settle the builder's vouchers", "VoucherMismatch"),
    ("stranger", "tries to settle vouchers in their name", "NotRedeemer"),
]
SERVED_STEPS = [
    (
        "builder",
        "registers a plan of 100 credits for 5 USDC, and an agent",
        "agent 1 takes 1 credit for a request to GET https://tea.example.com/tea",
    ),
    ("subscriber", "orders the plan", "has 100 credits and 5 USDC"),
    (
        "builder",
        "starts the service, and a gateway in front of it",
        "gateway at {served.gateway}, service at {served.service}",
    ),
    (
        "subscriber",
        "sends 100 requests, and signs a voucher for each",
        "100 answers, 100 credits charged, and no transaction",
    ),
    (
        "gateway",
        "starts again with its books, and settles 100 requests in one transaction",
        "100 credits taken for {gas[settle_served]:,} gas, the subscriber has 0 left",
    ),
    (
        "builder",
        "compares the books with the index and with the chain",
        "100 credits charged, 100 taken, and every number is equal",
    ),
]
SERVED_REFUSALS = [
    ("stranger", "tries to send a request without a payment", "PaymentMissing"),
    ("stranger", "tries to send a paid request again", "AuthorityUsedUp"),
    ("subscriber", "tries to send one more request", "CreditsUsedUp"),
]
BY_CHAIN = REFUSALS + METERED_REFUSALS
ACTS = [
    "Act 1: a hundred credits",
    "Act 2: a thousand requests by signature",
    "Act 3: a service behind a gateway, over HTTP",
]


# ---------------------------------------------------------------------- the story


@dataclass(frozen=True)
class Told:
    """A demo that was run to its end: its steps, what it came to, and the chain as it left it."""

    world: World
    steps: list[Step]
    result: DemoResult


@pytest.fixture(scope="module")
def told(base_chain: Chain) -> Iterator[Told]:
    """The demo, run once on a chain of its own, of the kind that was asked for. Tests that use it change nothing."""
    with ExitStack() as stack:
        if base_chain.label == LABEL:
            chain = open_embedded()
        else:
            chain = open_anvil(stack.enter_context(run_anvil()))
            deploy_all(chain, chain.accounts[0])
        steps: list[Step] = []
        yield Told(World(chain), steps, run_demo(chain, steps.append, serve))


def test_run_demo__on_this_chain__tells_the_story_and_what_it_came_to(told: Told) -> None:
    steps, result = told.steps, told.result
    sentences = [(step.actor, step.action, step.outcome) for step in steps if step.error is None]
    assert sentences == [
        (
            actor,
            action,
            outcome.format(plan_id=result.plan_id, metered=result.metered, served=result.served, gas=result.gas),
        )
        for actor, action, outcome in STEPS + METERED_STEPS + SERVED_STEPS
    ]
    refused = [(step.actor, step.action, step.error_name) for step in result.refusals]
    assert refused == REFUSALS + METERED_REFUSALS + SERVED_REFUSALS
    assert [step.by_gateway for step in result.refusals] == [False] * 13 + [True] * 3
    first, second = result.refusals[: len(REFUSALS)], result.refusals[len(REFUSALS) : -len(SERVED_REFUSALS)]
    assert steps[len(STEPS) :][: len(first)] == list(first)
    before = len(STEPS) + len(first) + len(METERED_STEPS)
    assert steps[before:][: len(second)] == list(second)
    assert steps[-2 - len(SERVED_REFUSALS) : -2] == list(result.refusals[-len(SERVED_REFUSALS) :])
    assert [step.opens for step in steps if step.opens] == ACTS
    assert result.chain == told.world.chain.label
    assert result.credits_left == 100 + 10 - 5 - 25
    assert result.balances == {
        "builder": {"usdc": 45_000_000, "credits": 0, "metered_credits": 0},
        "subscriber": {"usdc": 5_000_000, "credits": 80, "metered_credits": 1000},
        "stranger": {"usdc": 0, "credits": 0, "metered_credits": 0},
    }


def test_run_demo__in_its_second_act__settles_ten_holders_and_gives_thieves_nothing(told: Told) -> None:
    world, result = told.world, told.result
    metered, each, gas = result.metered, result.gas_per_request, result.gas
    assert abs(each["settle"] * 1090 - gas["settle"]) <= Decimal("0.05") * 1090
    assert abs(each["settle_subscriber"] * 10_000 - gas["settle"]) <= Decimal("0.05") * 10_000 + 10
    assert each["redeem"] == gas["redeem"] > 1000 * each["settle_subscriber"]
    subscriber = world.subscriber.address
    assert (metered.price_paid, metered.credits_granted, metered.gas_paid_wei) == (20_000_000, 2000, 0)
    assert (metered.vouchers_signed, metered.vouchers_checked, metered.requests) == (1000, 1000, 1090)
    assert metered.outcomes[0] == SettlementOutcome(subscriber, 1000, SettlementResult.SETTLED)
    assert [(outcome.amount, outcome.result) for outcome in metered.outcomes[1:]] == [
        (10, SettlementResult.SETTLED)
    ] * 9
    assert len({outcome.holder for outcome in metered.outcomes}) == 10
    assert [(outcome.holder, outcome.amount, outcome.result) for outcome in metered.repeated] == [
        (subscriber, 0, SettlementResult.ALREADY_SETTLED),
        (subscriber, 0, SettlementResult.ALREADY_SETTLED),
        (subscriber, 0, SettlementResult.NOT_SIGNED),
    ]
    assert metered.credits_left == world.balance(metered.plan_id, subscriber) == 1000
    for outcome in metered.outcomes:
        assert read_account(world.chain, metered.plan_id, outcome.holder).settled == outcome.amount


def test_run_demo__where_only_python_checks_signatures__checks_the_last_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metering, "find_spec", lambda name: None)
    steps: list[Step] = []
    result = run_demo(world.chain, steps.append)
    assert result.metered.vouchers_checked == 1
    assert "checks the last signature" in [step.action for step in steps]
    assert "pip install 'nvm-chain[fast]'" in " ".join(tell(Told(world, steps, result), 80)[-4:])
    assert "1,000 vouchers signed in " in describe_speed(result)
    assert " s and 1 checked in " in describe_speed(result)


def test_run_demo__on_this_chain__reports_what_the_chain_has(told: Told) -> None:
    world, result = told.world, told.result
    assert result.credits_left == world.balance(result.plan_id, result.accounts["subscriber"])
    assert result.receivers == {result.accounts["builder"]: result.price_paid}
    assert result.served is not None
    paid = (result.price_paid, result.metered.price_paid, result.served.price_paid)
    assert world.tokens(result.accounts["builder"]) == sum(paid)
    for operation, hashes in result.transactions.items():
        receipts = [world.chain.read_transaction(hash_) for hash_ in hashes]
        assert receipts[-1].gas_used == result.gas[operation]
    assert {operation: len(hashes) for operation, hashes in result.transactions.items()} == {
        **dict.fromkeys(("register", "faucet", "order", "mint", "burn", "approve", "transfer_from"), 1),
        **dict.fromkeys(("register_metered", "relay", "mint_batch", "settle", "settle_again"), 1),
        **dict.fromkeys(("register_served", "set_redeemer", "register_agent", "order_served", "settle_served"), 1),
        "redeem": 5,
    }


def test_run_demo__where_an_attempt_is_not_refused__fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purchase, "set_plan_active", lambda chain, signer, plan_id, active: None)
    with reverts(NotRefused("The stranger's attempt to close the plan")):
        run_demo(world.chain, lambda step: None)


def test_run_demo__where_a_stranger_can_settle__fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def settle(chain: Chain, signer: LocalAccount, plan_id: int, vouchers: list[SignedVoucher]) -> SettlementReceipt:
        return settle_vouchers(chain, world.builder if signer != world.builder else signer, plan_id, vouchers)

    monkeypatch.setattr(metering, "settle_vouchers", settle)
    with reverts(NotRefused("The stranger's attempt to settle the builder's vouchers")):
        run_demo(world.chain, lambda step: None)


def test_run_demo__where_a_forged_voucher_counts__fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forge(story: metering.Metering) -> SignedVoucher:
        return story.sign(story.subscriber, metering.CREDITS)

    monkeypatch.setattr(metering.Metering, "forge", forge)
    with reverts(NotRefused("A settlement of used and forged vouchers")):
        run_demo(world.chain, lambda step: None)


# ---------------------------------------------------------------------- the third act


@dataclass(frozen=True)
class Place:
    """Where the third act is played: its stage, its folder of temporary files, and the threads that were there before."""

    steps: list[Step]
    stage: Stage
    folder: Path
    threads: set[threading.Thread]

    def is_empty(self) -> bool:
        """Return whether no thread, no server and no file of the act is left."""
        told = " ".join(step.outcome for step in self.steps)
        is_left = set(threading.enumerate()) - self.threads or [*self.folder.iterdir()]
        return not is_left and not any(map(is_open, re.findall(r"127\.0\.0\.1:(\d+)", told)))


@pytest.fixture
def place(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A stage on which only the third act is played."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    steps: list[Step] = []
    stage = Stage(world.chain, steps.append)
    mint_test_usdc(world.chain, stage.signers["subscriber"], stage.address("subscriber"), serving.PRICE)
    return Place(steps, stage, tmp_path, set(threading.enumerate()))


def is_open(port: str) -> bool:
    """Return whether somebody listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_serve__to_its_end__leaves_no_thread_no_port_and_no_file(place: Place) -> None:
    result = serve(place.stage)
    assert (result.requests, result.credits_settled, result.credits_charged, result.credits_taken) == (100,) * 4
    assert (result.price_paid, result.differences, result.credits_left) == (5_000_000, 0, 0)
    assert place.is_empty()


def test_serve__where_the_gateway_cannot_start__says_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = ConnectionFailed("http://127.0.0.1:9", "nobody listens")

    def connect_again(stage: Stage) -> Chain:
        raise failure

    monkeypatch.setattr(Stage, "connect_again", connect_again)
    with pytest.raises(ConnectionFailed) as raised:
        serve(place.stage)
    assert raised.value is failure
    assert place.is_empty()


def test_serve__where_an_endpoint_costs_nothing__fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(name: str, endpoints: tuple[Endpoint, ...]) -> AgentMetadata:
        return AgentMetadata(name, open_endpoints=tuple(endpoint.url_pattern for endpoint in endpoints))

    monkeypatch.setattr(serving, "AgentMetadata", describe)
    with reverts(NotRefused("The stranger's attempt to send a request without a payment")):
        serve(place.stage)
    assert place.is_empty()


def test_serve__where_the_books_are_wrong__fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def verify(writer: Writer, *others: Any) -> MeterVerification:
        def change(store: Store) -> None:
            with store.asking() as pen:
                pen.change("UPDATE accounts SET committed = committed - 1")

        writer.run(change)
        return verify_meter(writer, *others)

    monkeypatch.setattr(serving, "verify_meter", verify)
    with reverts(DemoFailed("The books of the gateway are not what the index and the chain say")):
        serve(place.stage)
    assert place.is_empty()


def test_serve__where_unpaid_requests_reach_the_service__fails(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask_the_service(self: Client, url: str, *others: Any) -> requests.Response:
        answer = ask(self, url, *others)
        with Client("") as other:
            ask(other, place.steps[-1].outcome.rpartition(" ")[2])
        return answer

    ask = Client.ask
    monkeypatch.setattr(Client, "ask", ask_the_service)
    with pytest.raises(DemoFailed, match="200 requests reached the service, and 100 were paid for"):
        serve(place.stage)


def test_demo__without_the_extra__ends_after_two_acts_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_extras, "find_spec", lambda module: None)
    ran = run_cli("demo", environment={"COLUMNS": "80"})
    assert ran.exit_code == 0
    assert [line for line in ran.stdout.splitlines() if line.startswith("Act ")] == ACTS[:2]
    assert ran.stdout.endswith("It needs the gateway: pip install 'nvm-chain[gateway]'\n")


def interrupt_third_act(folder: Path) -> tuple[int, str]:
    """Press Ctrl-C in the third act. Return the exit code and what was said, after nothing is left of the demo."""
    environment = clean_environment(TMPDIR=str(folder), PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        [sys.executable, "-m", "nvm_chain.cli", "demo"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        addresses = next(line for line in process.stdout if "gateway at" in line)
        ports = re.findall(r"127\.0\.0\.1:(\d+)", addresses)
        assert [*map(is_open, ports)] == [True, True]
        process.send_signal(signal.SIGINT)
        code, said = process.wait(60), process.stderr.read()
    assert [*map(is_open, ports)] == [False, False]
    assert [*folder.iterdir()] == []
    return code, said


def test_demo__stopped_by_ctrl_c_in_its_third_act__leaves_no_port_and_no_file(tmp_path: Path) -> None:
    code, said = interrupt_third_act(tmp_path)
    if code == 0:  # Python loses an interrupt that comes while an object is deleted, and the demo goes on to its end
        code, said = interrupt_third_act(tmp_path)
    assert code == 1
    assert "Aborted" in said


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotRefused("The order"), "The order was not refused. Do not use this deployment, and please report it."),
        (DemoFailed("It ended"), "It ended. Run the demo again, and please report it if that does not help."),
        (HttpRefusal("CreditsUsedUp", f"Plan {1:#066x} is empty.", "Order it."), f"Plan {1:#066x} is empty. Order it."),
    ],
)
def test_errors_of_the_demo__in_the_shell__say_what_happened_and_what_to_do(error: NvmChainError, message: str) -> None:
    assert (str(error), describe_failure(error, verbose=False).message) == (message, message)


def test_run_demo__without_usdc__says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.chain, "usdc", None)
    with pytest.raises(InvalidConfig, match="The demo needs a TestUSDC"):
        run_demo(world.chain, lambda step: None)


def test_step__as_text__is_a_sentence(told: Told) -> None:
    result = told.result
    assert str(result.refusals[12]) == "The stranger tries to settle vouchers in their name: refused with NotRedeemer."
    assert str(result.refusals[-1]) == "The subscriber tries to send one more request: refused with CreditsUsedUp."
    each = result.gas_per_request["settle_subscriber"]
    assert str(result) == (
        f"Plan {result.plan_id:#066x}: 20000000 base units of USDC paid, 100 credits granted, 80 left. "
        f"Plan {result.metered.plan_id:#066x}: 1000 requests by voucher, settled for {each} gas each. 16 attempts refused."
    )


# ---------------------------------------------------------------------- where it runs


@pytest.mark.parametrize(("balance", "development"), [("99", False), ("100", True), (USUAL_BALANCE, True)])
def test_demo__needs_the_accounts_of_a_development_node(balance: str, development: bool) -> None:
    with run_anvil("--balance", balance) as url:
        chain = open_anvil(url)
        chain.accounts = ()
        assert is_development_chain(chain) is development
        if balance == USUAL_BALANCE:
            return  # the tests below run all of it
        ran = run_cli("demo", "--rpc", url, "--json")
        if development:
            assert ran.json["credits_left"] == 80
        else:
            assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
            assert ran.error["message"].endswith("does not have them. Run it on a development node such as anvil.")
            assert chain.web3.eth.block_number == 0


def test_demo__on_another_chain_than_expected__sends_nothing() -> None:
    with run_anvil("--chain-id", "84532") as url:
        with reverts(WrongChain(31337, 84532)):
            open_demo_chain(url, 31337)
        assert open_anvil(url).web3.eth.block_number == 0
        assert run_cli("demo", "--rpc", url, "--chain-id", "84532", "--json").json["chain_id"] == 84532


@dataclass(frozen=True)
class Worked:
    """The demo as a process of its own, and the seconds of processor time that it took."""

    ran: Ran
    seconds: float


@functools.cache
def run_example(line: str) -> Worked:
    """Run an example of the demo's help as a process. A node in the environment is not asked."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = run_process(*expand(line, {}), environment={"NVM_CHAIN_RPC": "http://127.0.0.1:9", "NVM_CHAIN_CHAIN_ID": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Worked(ran, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example__in_the_demos_help__works(example: str) -> None:
    ran = run_example(example).ran
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout
    if "--json" in example:
        assert find_problems("demo", ran.json) == []


def test_demo__with_a_node_in_the_environment__still_runs_in_this_process() -> None:
    answer = run_example("nvm-chain demo --json").ran.json
    assert (answer["chain"], answer["credits_left"]) == ("eth-tester", 80)


def test_demo__as_a_process__is_done_in_seconds() -> None:
    assert (
        run_example("nvm-chain demo --json").seconds < 60
    )  # 10 on a machine that does nothing else, more where others share its cores


def test_demo__in_a_pipe__has_no_escape_sequences() -> None:
    ran = run_example("nvm-chain demo").ran
    assert "\x1b" not in ran.stdout + ran.stderr
    assert ran.stderr == "Starting a chain in this process\n"


# ---------------------------------------------------------------------- done again by cast


def cast(*arguments: str) -> str:
    """Run Foundry's client, which shares no code with ours."""
    (path,) = ROOT.glob("node_modules/@foundry-rs/cast-*/bin/cast")
    done = subprocess.run([str(path), *arguments], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


class Recount:
    """Everything that the demo's JSON claims, read again from a node by cast."""

    def __init__(self, url: str, told: dict[str, Any]) -> None:
        self.url, self.told = url, told

    def call(self, contract: str, signature: str, *arguments: str) -> int:
        return int(cast("call", "--rpc-url", self.url, contract, signature, *arguments).split()[0], 0)

    def receipts(self, operation: str) -> list[dict[str, Any]]:
        hashes = self.told["transactions"][operation]
        return [json.loads(cast("receipt", "--rpc-url", self.url, "--json", hash_)) for hash_ in hashes]

    def logs(self, operation: str, contract: str, event: str) -> list[dict[str, Any]]:
        topic = cast("sig-event", event)
        logs = [log for receipt in self.receipts(operation) for log in receipt["logs"]]
        return [log for log in logs if log["topics"][0] == topic and log["address"].lower() == contract.lower()]

    def payments(self) -> dict[str, int]:
        """Sum the order's USDC transfers from the subscriber, by receiver."""
        paid: Counter[str] = Counter()
        for log in self.logs("order", self.told["usdc"], "Transfer(address,address,uint256)"):
            assert log["topics"][1][-40:] == self.told["accounts"]["subscriber"][2:].lower()
            paid[cast("to-check-sum-address", "0x" + log["topics"][2][-40:])] += int(log["data"], 16)
        return dict(paid)

    def moved(self, operation: str) -> int:
        """Sum the credits that an operation's ERC-1155 events move, of this plan only."""
        signature = "TransferSingle(address,address,address,uint256,uint256)"
        logs = self.logs(operation, self.told["credits_contract"], signature)
        assert {f"0x{log['data'][2:66]}" for log in logs} == {self.told["plan_id"]}
        return sum(int(log["data"][66:], 16) for log in logs)


@pytest.fixture(scope="module")
def recount() -> Any:
    with run_anvil() as url:
        told = run_process("demo", "--rpc", url, "--json").json
        assert told["chain"] == url
        yield Recount(url, told)


def test_demo_json__payments__are_those_of_the_token(recount: Recount) -> None:
    told = recount.told
    assert recount.payments() == {told["accounts"]["builder"]: 20_000_000}
    assert told["receivers"] == {told["accounts"]["builder"]: "20000000"}
    assert told["price_paid"] == "20000000"
    for role, held in told["balances"].items():
        holder = told["accounts"][role]
        assert recount.call(told["usdc"], "balanceOf(address)(uint256)", holder) == int(held["usdc"])
    for spender in (told["credits_contract"],):
        left = recount.call(
            told["usdc"], "allowance(address,address)(uint256)", told["accounts"]["subscriber"], spender
        )
        assert left == 0


def test_demo_json__credits__are_those_of_the_contract_and_of_its_events(recount: Recount) -> None:
    told = recount.told
    moved = {operation: recount.moved(operation) for operation in ("order", "mint", "redeem", "burn")}
    assert moved == {
        "order": told["credits_granted"],
        "mint": told["credits_minted"],
        "redeem": told["credits_redeemed"],
        "burn": told["credits_burned"],
    }
    assert moved["order"] + moved["mint"] - moved["redeem"] - moved["burn"] == told["credits_left"]
    for role, held in told["balances"].items():
        signature = "balanceOf(address,uint256)(uint256)"
        for plan_id, credits in (
            (told["plan_id"], held["credits"]),
            (told["metered"]["plan_id"], held["metered_credits"]),
        ):
            found = recount.call(told["credits_contract"], signature, told["accounts"][role], plan_id)
            assert found == credits


def test_demo_json__settlement__is_that_of_the_events(recount: Recount) -> None:
    told = recount.told
    signature = "TransferSingle(address,address,address,uint256,uint256)"
    logs = recount.logs("settle", told["credits_contract"], signature)
    assert {f"0x{log['data'][2:66]}" for log in logs} == {told["metered"]["plan_id"]}
    moved = [("0x" + log["topics"][2][-40:], int(log["data"][66:], 16)) for log in logs]
    outcomes = told["metered"]["outcomes"]
    assert moved == [(outcome["holder"].lower(), outcome["credits"]) for outcome in outcomes]
    assert sum(amount for _, amount in moved) == 1090
    assert recount.logs("settle_again", told["credits_contract"], signature) == []
    assert [outcome["result"] for outcome in told["metered"]["repeated"]] == [
        "already_settled",
        "already_settled",
        "not_signed",
    ]


def test_demo_json__gas_per_request__is_computed_from_the_receipts(recount: Recount) -> None:
    told = recount.told
    (receipt,) = recount.receipts("settle")
    gas = int(receipt["gasUsed"], 16)
    assert told["gas_per_request"] == {
        "redeem": f"{told['gas']['redeem']}.0",
        "settle": str((Decimal(gas) / 1090).quantize(Decimal("0.1"))),
        "settle_subscriber": str((Decimal(gas // 10) / 1000).quantize(Decimal("0.1"))),
        "settle_served": str((Decimal(told["gas"]["settle_served"]) / 100).quantize(Decimal("0.1"))),
    }


def test_demo_json__settlement_of_the_gateway__is_that_of_the_events(recount: Recount) -> None:
    told = recount.told
    served, subscriber, gateway = told["served"], told["accounts"]["subscriber"], told["accounts"]["gateway"]
    signature = "TransferSingle(address,address,address,uint256,uint256)"
    (log,) = recount.logs("settle_served", told["credits_contract"], signature)
    assert "0x" + log["data"][2:66] == served["plan_id"]
    assert (int(log["data"][66:], 16), "0x" + log["topics"][2][-40:]) == (100, subscriber.lower())
    (receipt,) = recount.receipts("settle_served")
    assert receipt["from"].lower() == gateway.lower()
    balance = "balanceOf(address,uint256)(uint256)"
    assert recount.call(told["credits_contract"], balance, subscriber, served["plan_id"]) == served["credits_left"] == 0


def test_demo_json__request_ids__are_in_the_redemptions_events(recount: Recount) -> None:
    signature = "Redeemed(uint256,address,address,uint256,bytes32)"
    logs = recount.logs("redeem", recount.told["credits_contract"], signature)
    contexts = [bytes.fromhex(log["data"][66:]).rstrip(b"\0").decode() for log in logs]
    assert contexts == [f"request-{number}" for number in range(1, 6)]


def test_demo_json__gas__is_that_of_the_receipts(recount: Recount) -> None:
    for operation, gas in recount.told["gas"].items():
        receipts = recount.receipts(operation)
        assert all(receipt["status"] == "0x1" for receipt in receipts)
        assert int(receipts[-1]["gasUsed"], 16) == gas
    gas = recount.told["gas"]
    plain = gas["approve"] + gas["transfer_from"]
    assert recount.told["order_above_approve_and_transfer_from"] == gas["order"] - plain


def test_demo_json__comparison__moves_the_same_money_by_a_plain_transfer(recount: Recount) -> None:
    told = recount.told
    (log,) = recount.logs("transfer_from", told["usdc"], "Transfer(address,address,uint256)")
    assert int(log["data"], 16) == int(told["price_paid"])
    assert log["topics"][2][-40:] == told["accounts"]["comparison_payee"][2:].lower()


def test_demo_json__plan_id__is_the_hash_of_chain_contract_creator_and_terms(recount: Recount) -> None:
    told = recount.told
    event = f"PlanRegistered(uint256,address,{TERMS},bytes32,uint16)"
    (log,) = recount.logs("register", told["credits_contract"], event)
    assert log["topics"][1] == told["plan_id"]
    assert told["did"] == "did:nv:" + told["plan_id"][2:]
    salt = "0x" + log["data"][2 + 64 : 2 + 128]
    builder, usdc = told["accounts"]["builder"], told["usdc"]
    terms = f"(0,0,{usdc},[({builder},20000000)],{ZERO},false,100,0,1,1,0,false,false)"
    types = f"f(uint256,address,address,{TERMS},bytes32)"
    chain_id = str(told["chain_id"])
    encoded = cast("abi-encode", types, chain_id, told["credits_contract"], builder, terms, salt)
    assert cast("keccak", encoded) == told["plan_id"]


# ---------------------------------------------------------------------- how it looks


def tell(told: Told, width: int) -> list[str]:
    """Return the story's lines on a console of a width."""
    written = io.StringIO()
    teller = Teller(Console(file=written, width=width, highlight=False, markup=False))
    teller.begin("nvm-chain demo")
    for step in told.steps:
        teller.tell(step)
    teller.close(told.result)
    return written.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_demo__for_people__fits_and_shows_what_the_json_says(told: Told, width: int) -> None:
    result, lines = told.result, tell(told, width)
    assert max(map(len, lines)) <= width
    assert [line for line in lines if line != line.rstrip()] == []
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    assert ["subscriber", "5", "80", "1,000"] in rows
    assert ["settle 100 requests over HTTP", f"{result.gas['settle_served']:,}"] in rows
    assert [result.accounts["builder"], "builder", "20"] in rows
    assert "nvm-chain[fast]" not in " ".join(lines)
    assert ["order with a permit", f"{result.gas['order']:,}"] in rows
    over = result.gas["order"] - result.gas["approve"] - result.gas["transfer_from"]
    assert ["order above approve and transferFrom", f"{over:,}"] in rows
    each = result.gas_per_request["settle_subscriber"]
    headline = f"A request by voucher took {each} gas. A redemption on the chain takes {result.gas['redeem']:,} gas."
    assert headline in lines
    assert lines.index(headline) < lines.index("Balances, read from the chain")
    assert len(lines) - lines.index(headline) <= 26
    assert ["settle 10 vouchers, 1,090 requests", f"{result.gas['settle']:,}"] in rows
    assert [row[0] for row in rows if row[0].startswith("Act ")] == ACTS
    refused = [tuple(row) for row in rows if len(row) == 3 and row[0] in result.accounts and not row[1].isdigit()]
    assert refused == [
        (actor, action.removeprefix("tries to "), error) for actor, action, error in BY_CHAIN + SERVED_REFUSALS
    ]
    subscriber, plan = result.accounts["subscriber"], f"{result.served.plan_id:#066x}" if result.served else ""
    sentence = (
        f"{subscriber[:6]}…{subscriber[-4:]} has 0 credits for new requests on plan {plan[:6]}…{plan[-4:]}, but this request "
        "may take 1 credit. Order more credits, or wait until open requests end."
    )
    assert sentence in " ".join(" ".join(lines).split())
    numbered = [row for row in rows if row[0].isdigit()]
    assert [int(row[0]) for row in numbered] == list(range(1, 24))


def test_demo__in_a_narrow_terminal__fits_and_cuts_no_number(told: Told) -> None:
    result, lines = told.result, tell(told, 50)
    assert max(map(len, lines)) <= 50
    plan = f"{result.plan_id:#066x}"
    assert f"{plan[:6]}…{plan[-4:]}" in " ".join(lines)
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    assert ["settle 10 vouchers, 1,090 requests", f"{result.gas['settle']:,}"] in rows
    refusals = [error for _, _, error in BY_CHAIN + SERVED_REFUSALS]
    assert [row[0] for row in rows if row[0] in refusals] == refusals


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_demo__in_a_terminal__has_a_spinner_and_colour_unless_it_is_not_wanted(
    environment: dict[str, str], coloured: bool
) -> None:
    ran = run_terminal("demo", answers={}, environment={"NO_COLOR": "", **environment})
    assert ran.exit_code == 0
    assert "Starting a chain in this process" in ran.stdout
    assert ("\x1b[32m" in ran.stdout) is coloured
