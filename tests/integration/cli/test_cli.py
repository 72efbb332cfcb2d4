"""Every command against a node: what it does, what it prints, and that its help's examples work."""

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.cli.app import FIRST_STEPS
from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.gateway.config import read_config
from nvm_chain.gateway.configuration.parts import ListenPart
from nvm_chain.gateway.webhooks.events import name_message
from nvm_chain.metadata.documents import AgentMetadata, build_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.meter.notices import Notice, NoticeKind
from nvm_chain.operations.plans import read_terms
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.signing.service_tokens import format_service_token
from nvm_chain.terms.words import describe_terms
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import Split
from nvm_chain.types.token_labels import TokenLabel
from tests.gateway.files import find_free_port
from tests.integration.cli.conftest import PASSWORD, Shell
from tests.meter.settling_shop import open_shop
from tests.session.warm_commands import open_warm_commands
from tests.support.accounts import HOLDER, PLAN
from tests.support.agents import Agents
from tests.support.indexes import interrupted_if, make_indexes
from tests.support.shell import Ran, clean_environment, expand, run_cli
from tests.support.vectors import FOLDER
from tests.support.world import CREDITS, PRICE, ZERO
from tests.unit.test_cli_help import COMMANDS

METADATA = AgentMetadata("Echo", endpoints=(Endpoint("POST", "https://example.com/agents/:id/tasks"),))
FILE_ASSET = AgentMetadata("Greeting", agent_type="file", files=(FileEntry("data:,hello", name="greeting.txt"),))
OPENAPI = FOLDER / "openapi" / "shop.yaml"
DAY = 86_400
EXAMPLES = [
    example
    for path, command in COMMANDS.items()
    for example in command.examples
    if path != ("demo",) or "--rpc" in example  # test_demo.py runs the others
]
UNANSWERED = [
    command.examples[0] for command in COMMANDS.values() if not any("--json" in example for example in command.examples)
]


def names(plan_id: int) -> dict[str, str]:
    """Return how answers name a plan."""
    return {"plan_id": format_plan_id(plan_id), "did": format_did(plan_id)}


def sent(shell: Shell) -> dict[str, Any]:
    """Return the last transaction as answers show it, from the node itself."""
    eth = shell.world.chain.web3.eth
    receipt = eth.get_transaction_receipt(eth.get_block("latest")["transactions"][0])  # type: ignore[arg-type]
    fee = receipt["gasUsed"] * receipt["effectiveGasPrice"]
    return {
        "hash": f"0x{bytes(receipt['transactionHash']).hex()}",
        "block_number": receipt["blockNumber"],
        "gas_used": receipt["gasUsed"],
        "fee_wei": str(fee),
    }


# ---------------------------------------------------------------------- examples


def register_for(shell: Shell, example: str) -> int:
    """Register the plan of the kind that an example needs, which the subscriber has bought where that can be."""
    world = shell.world
    command = example.split()[1]
    if command == "pay":
        return world.register(kind=PlanKind.USAGE, credits=0, min_redeem=0, max_redeem=0)
    if command == "grant-external":
        return world.register(token=ZERO, splits=(), paid_externally=True)
    if command == "transfer":
        plan_id = world.register(transferable=True)
        world.order(plan_id)
        return plan_id
    by_rule = "--total" in example  # credits are taken without a voucher, where the rule lets the owner redeem
    rule = RedemptionRule.OWNER if by_rule else RedemptionRule.HOLDER
    plan_id = world.register(duration=DAY if command == "lots" else 0, rule=rule)
    world.order(plan_id)
    if by_rule:
        world.grant(plan_id, world.partner.address, 10)
    return plan_id


def write_messages(shell: Shell, plan_id: int) -> None:
    """Write the signed messages that examples read: an order of the subscriber's, and vouchers for the builder."""
    world = shell.world
    order = sign_plan_order(world.chain, world.subscriber, plan_id)
    sign = partial(sign_next_voucher, world.chain, world.subscriber, plan_id, redeemer=world.builder.address)
    signed = [sign(cost=cost) for cost in (1, 2, 3)]
    vouchers = [each.to_json() for each in signed]
    for name, lines in {
        "order.json": [order.to_json()],
        "voucher.json": vouchers[:1],
        "vouchers.jsonl": vouchers[:2],
        "session.json": vouchers[2:],
        "token.txt": [format_service_token(signed[0])],
    }.items():
        (shell.folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")


WriteKeyfile = Callable[[str, bytes], Path]


@pytest.mark.parametrize("example", EXAMPLES)
def test_example__in_a_commands_help__works(shell: Shell, write_keyfile: WriteKeyfile, example: str) -> None:
    ran = run_example(shell, write_keyfile, example)
    assert ran.exit_code == 0, ran.stderr
    assert ran.stdout
    if "--json" in example:
        assert isinstance(ran.json, dict)


@pytest.mark.parametrize("example", UNANSWERED)
def test_example__of_a_command_without_one_for_json__answers_as_documented(
    shell: Shell, write_keyfile: WriteKeyfile, example: str
) -> None:
    ran = run_example(shell, write_keyfile, example, "--json")  # the shell compares it with docs/cli.md
    assert ran.exit_code == 0, ran.stdout


def make_books(shell: Shell, write_keyfile: WriteKeyfile) -> None:
    """Make the books of a meter in meter.db, in which credits are owed to the redeemer."""
    write_keyfile("redeemer.json", shell.world.redeemer.key)
    with open_shop(shell.world, shell.folder, "meter.db") as shop:
        shop.charge(shop.sign(30), 20)
    make_indexes(shell)  # with what came last


def make_gateway(shell: Shell, write_keyfile: WriteKeyfile, variables: dict[str, str], words: list[str]) -> None:
    """Write a configuration with a sealed secret for the agent of an example, which is ready. The node stands for the service."""
    (shell.folder / "token.txt").write_text("sk-service\n", "utf-8")
    if words[1] == "init":
        return
    world, plan_id = shell.world, int(variables["PLAN"], 16)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    assert shell("gateway", "init", "--did", variables["AGENT"], "--upstream", shell.url).exit_code == 0
    path = shell.folder / "gateway.toml"
    text = path.read_text("utf-8").replace("dev_account = 3", "dev_account = 4")
    text = text.replace("port = 8402", f"port = {find_free_port()}")
    path.write_text(text.replace("[[services]]", '[[services]]\npublic_url = "https://example.com"'), "utf-8")
    assert shell("gateway", "secret", "set", "service", typed="sk-service").exit_code == 0
    if words[1] in ("status", "settle", "usage", "payments", "webhooks"):
        make_books(shell, write_keyfile)
    if "shop/gateway.toml" in words:
        shutil.copytree(shell.folder, shell.folder / "shop", ignore=shutil.ignore_patterns("shop"))


def make_files(shell: Shell, write_keyfile: WriteKeyfile, variables: dict[str, str], words: list[str]) -> None:
    """Write the files and databases that the commands of a group read."""
    if words[0] == "index":
        make_indexes(shell)
    if words[0] == "meter":
        make_books(shell, write_keyfile)
    if words[0] == "facilitator":
        (shell.folder / "shops.txt").write_text(f"shop sha256:{'ab' * 32}\n", "utf-8")
    if words[0] == "gateway":
        make_gateway(shell, write_keyfile, variables, words)


def run_example(shell: Shell, write_keyfile: WriteKeyfile, example: str, *more: str) -> Ran:
    """Run an example on a chain with all that it names."""
    world = shell.world
    world.fund(world.subscriber)
    plan_id = register_for(shell, example)
    if example.split()[1] in ("voucher", "signed-order", "token"):
        write_messages(shell, plan_id)
    if "accept-ownership" in example:
        world.send(world.builder, world.credits.functions.transferPlanOwnership(plan_id, world.partner.address))
    for role in ("builder", "subscriber", "partner"):
        if "key new" not in example:
            write_keyfile(f"{role}.json", getattr(world, role).key)
    (shell.folder / "password.txt").write_text(PASSWORD, "utf-8")
    shutil.copy(OPENAPI, shell.folder / "openapi.yaml")
    variables = {
        "PLAN": format_plan_id(plan_id),
        "OTHER_PLAN": format_plan_id(world.register()),
        "FILES": str(Agents(world).register((plan_id, 1, 1), uri=build_metadata_uri(FILE_ASSET))),
        "TRANSACTION": sent(shell)["hash"],
        "AGENT": str(Agents(world).register((plan_id, 1, 5), uri=build_metadata_uri(METADATA))),
        "BUILDER": world.builder.address,
        "SUBSCRIBER": world.subscriber.address,
        "PARTNER": world.partner.address,
        "USDC": world.usdc.address,
        "QUOTER": world.usdc.address,
        "CREDITS": world.credits.address,
        "RPC": shell.url,
        "METER": "meter.db",
        "PORT": str(find_free_port()),
        "MESSAGE": name_message(Notice(bytes(32), NoticeKind.LOW_BALANCE, PLAN, HOLDER, 5, 0, 0, 0)),
    }
    words = expand(example, variables)
    make_files(shell, write_keyfile, variables, words)
    typed = None
    for sign in ("<", ">", ">>"):
        if sign in words:
            file = words.pop(words.index(sign) + 1)
            words.remove(sign)
            typed = Path(file).read_text("utf-8") if sign == "<" else None
    follows = (words[:2] == ["index", "run"] and "--once" not in words) or "--every" in words
    with interrupted_if(follows), stopped_if_serving(words, shell.folder):
        return shell(*words, *more, typed=typed)


@contextmanager
def stopped_if_serving(words: list[str], folder: Path) -> Iterator[None]:
    """Press Ctrl-C as soon as a gateway or a facilitator takes connections, if a command runs one."""
    if words[:2] not in (["gateway", "run"], ["facilitator", "run"]):
        yield
        return
    is_over = threading.Event()
    if words[0] == "gateway":
        listen = read_config(folder / "gateway.toml").listen
    else:
        listen = ListenPart(port=int(words[words.index("--port") + 1]))

    def stop() -> None:
        while not is_over.wait(0.1):
            with suppress(OSError), socket.create_connection((listen.host, listen.port)):
                os.kill(os.getpid(), signal.SIGINT)
                return

    thread = threading.Thread(target=stop, daemon=True)
    thread.start()
    yield
    is_over.set()
    thread.join()


def test_first_steps__in_the_programs_help__work_as_they_are_printed(shell: Shell, tmp_path: Path) -> None:
    shown = run_cli("--help").stdout.partition("the\n  subscriber:\n\n")[2].partition("\n\n")[0]
    steps = [line.removeprefix("    ") for line in shown.splitlines()]
    assert steps == list(FIRST_STEPS)
    with open_warm_commands(tmp_path) as nvm_chain:
        program = "\n".join(["set -e", f'nvm-chain() {{ {nvm_chain} "$@"; }}', *steps])
        done = subprocess.run(
            ["bash", "-c", program.replace("http://127.0.0.1:8545", shell.url)],
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"credits  {shell.world.subscriber.address}  99"


# ---------------------------------------------------------------------- plan


def test_plan_register__with_defaults__registers_what_was_asked_for(shell: Shell) -> None:
    builder = shell.world.builder.address
    answer = shell("plan", "register", "--price", "20 USDC", "--grants", "100", "--dev-account", "1", "--json").json
    plan_id = int(answer["plan_id"], 16)
    expected = shell.world.terms(max_redeem=1)
    assert read_terms(shell.world.chain, plan_id) == expected
    salt = answer.pop("salt")
    assert len(bytes.fromhex(salt[2:])) == 32
    assert answer == {
        **names(plan_id),
        "creator": builder,
        "uri": "",
        "metadata": None,
        "terms": {
            "price": str(PRICE),
            "kind": "credits",
            "activation": "on_purchase",
            "token": shell.world.usdc.address,
            "splits": [{"receiver": builder, "amount": str(PRICE)}],
            "quoter": ZERO,
            "paid_externally": False,
            "credits": 100,
            "duration": 0,
            "min_redeem": 1,
            "max_redeem": 1,
            "rule": "holder",
            "trial": False,
            "transferable": False,
        },
        "fee_bps": 0,
        "transaction": sent(shell),
    }


def test_plan_register__with_every_option__registers_what_was_asked_for(shell: Shell) -> None:
    world = shell.world
    parts = {world.builder.address: "0.3 ETH", world.partner.address: "0.2 eth"}
    answer = shell(
        *("plan", "register", "--price", "0.5ETH", "--grants", "50", "--per-request", "1..5", "--rule", "redeemer"),
        *(word for address, amount in parts.items() for word in ("--split", f"{address}={amount}")),
        *("--trial", "--transferable", "--uri", "ipfs://plan", "--salt", f"0x{7:064x}", "--dev-account", "1", "--json"),
    ).json
    plan_id = int(answer["plan_id"], 16)
    splits = (
        Split(world.builder.address, 3 * 10**17),
        Split(world.partner.address, 2 * 10**17),
    )
    expected = world.terms(
        token=ZERO, splits=splits, credits=50, max_redeem=5, rule=RedemptionRule.REDEEMER, trial=True, transferable=True
    )
    predicted = world.credits.functions.planIdOf(world.builder.address, expected.as_tuple(), (7).to_bytes(32))
    assert plan_id == world.read(predicted)
    assert world.read(world.credits.functions.uri(plan_id)) == "ipfs://plan"


@pytest.mark.parametrize(
    ("options", "token", "amounts"),
    [
        (["--price", "free"], "coin", []),
        (["--price", "0.000001 USDC", "--allow-tiny-price"], "usdc", [1]),
        (["--price-base-units", "1500", "--token", "USDC"], "usdc", [1500]),
        (
            [
                "--price-base-units",
                "1500",
                "--token",
                "USDC",
                "--split",
                "BUILDER=1000",
                "--split",
                "OTHER=500",
                "--allow-tiny-price",
            ],
            "usdc",
            [1000, 500],
        ),
        (["--split", "BUILDER=1 USDC", "--split", "OTHER=2 USDC"], "usdc", [10**6, 2 * 10**6]),
    ],
)
def test_plan_register__with_other_spellings_of_a_price__means_the_same(
    shell: Shell, options: list[str], token: str, amounts: list[int]
) -> None:
    world = shell.world
    words = {"USDC": world.usdc.address, "BUILDER": world.builder.address, "OTHER": world.other.address}
    filled = [words.get(option, option) for option in options]
    filled = [
        option.replace("BUILDER=", f"{words['BUILDER']}=").replace("OTHER=", f"{words['OTHER']}=") for option in filled
    ]
    terms = shell("plan", "register", *filled, "--grants", "1", "--dev-account", "1", "--json").json["terms"]
    assert terms["token"] == (world.usdc.address if token == "usdc" else ZERO)
    assert [split["amount"] for split in terms["splits"]] == list(map(str, amounts))
    assert terms["price"] == str(sum(amounts))


KINDS: list[tuple[list[str], dict[str, Any], list[str]]] = [
    (
        ["--price", "20 USDC", "--grants", "100", "--per-request", "1..10", "--expires", "30d"],
        {"duration": 30 * DAY},
        [
            "price One purchase costs 20 USDC.",
            "what a purchase gives One purchase gives 100 credits.",
            "what a request costs A request costs 1 to 10 credits. The service says how many.",
        ],
    ),
    (
        ["--price", "20 USDC", "--period", "1 week", "--grants", "2", "--trial"],
        {"kind": PlanKind.TIME, "credits": 2, "duration": 7 * DAY, "min_redeem": 0, "max_redeem": 0, "trial": True},
        [
            "what a purchase gives One purchase gives access for 14 days.",
            "how long it lasts Access begins at the purchase.",
            "trial Each account gets this plan once, and orders it only for itself.",
        ],
    ),
    (
        ["--price", "20 USDC", "--period", "12h", "--starts", "first-use", "--rule", "owner"],
        {
            "kind": PlanKind.TIME,
            "activation": Activation.ON_FIRST_USE,
            "credits": 1,
            "duration": DAY // 2,
            "max_redeem": 1,
            "rule": RedemptionRule.OWNER,
        },
        [
            "what a purchase gives One purchase gives 1 period of access for 12 hours.",
            "what a request costs A request costs nothing while access lasts.",
        ],
    ),
    (
        ["--price", "20 USDC", "--usage"],
        {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0},
        [
            "price Each unit of usage costs 20 USDC.",
            "what a purchase gives There are no purchases and no credits. Each request is paid on its own, for one or more units.",
        ],
    ),
    (
        ["--paid-externally", "--grants", "100", "--per-request", "1..10"],
        {"token": ZERO, "splits": (), "paid_externally": True},
        [
            (
                "price The price is paid outside the chain, for example by card. The seller, or an account that the seller names, "
                "then grants the purchase."
            ),
        ],
    ),
    (
        ["--quoter", "QUOTER", "--token", "usdc", "--grants", "100", "--per-request", "1..10"],
        {"quoter": "QUOTER", "splits": "WEIGHT 1"},
        [
            (
                "price The contract QUOTER names the price of one purchase, in USDC. The price can differ each time and for each "
                "buyer. The buyer says how much they pay at most."
            ),
            "who is paid BUILDER gets the whole price. The money goes straight from the buyer to the receivers.",
        ],
    ),
]


@pytest.mark.parametrize(("options", "changes", "lines"), KINDS, ids=[" ".join(options) for options, _, _ in KINDS])
def test_plan_register_and_show__of_each_kind__say_in_plain_words_what_it_is(
    shell: Shell, options: list[str], changes: dict[str, Any], lines: list[str]
) -> None:
    world = shell.world
    quoter, builder = world.usdc.address, world.builder.address
    if "quoter" in changes:
        changes = {"quoter": quoter, "splits": (Split(builder, 1),)}
    typed = [quoter if option == "QUOTER" else option for option in options]
    answer = shell("plan", "register", *typed, "--dev-account", "1", "--json").json
    plan_id = int(answer["plan_id"], 16)
    assert read_terms(world.chain, plan_id) == world.terms(**changes)
    expected = [" ".join(line.split()) for line in lines]
    expected = [line.replace("BUILDER", builder).replace("QUOTER", quoter) for line in expected]
    shown = [" ".join(line.split()) for line in shell("plan", "show", str(plan_id)).stdout.splitlines()]
    terms = describe_terms(world.terms(**changes), TokenLabel("USDC", 6), fee_bps=0)
    assert shown[3:-1] == [f"{term.title.lower()} {term.text}" for term in terms]
    assert [line for line in shown if line in expected] == expected


def test_plan_register__above_the_fee_that_is_accepted__is_refused_and_says_what_to_give(shell: Shell) -> None:
    shell.world.set_fee(250)
    words = ("plan", "register", "--price", "20 USDC", "--grants", "100", "--dev-account", "1", "--json")
    ran = shell(*words, "--max-fee-bps", "249")
    assert (ran.exit_code, ran.error["type"]) == (6, "FeeAboveMax")
    assert ran.error["fields"] == {"fee_bps": 250, "max_fee_bps": 249}
    assert ran.error["message"].endswith("If you accept this fee, set --max-fee-bps to 250.")
    assert shell(*words, "--max-fee-bps", "250").json["fee_bps"] == shell(*words).json["fee_bps"] == 250


def test_order__of_a_trial_for_another__is_refused_and_says_what_to_do(shell: Shell) -> None:
    plan_id, other = shell.world.register(trial=True), shell.world.other.address
    ran = shell("order", str(plan_id), "--receiver", other, "--dev-account", "2", "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "TrialOrderedForOther")
    assert "or ask the plan owner to grant it with `nvm-chain mint`" in ran.error["message"]


def test_plan_register__with_weights__shares_quoted_prices(shell: Shell) -> None:
    world = shell.world
    splits = [f"{world.builder.address}=3", f"{world.partner.address}=1"]
    options = [word for split in splits for word in ("--split", split)]
    ran = shell(
        *("plan", "register", "--quoter", world.usdc.address, "--token", "ETH", *options),
        *("--grants", "1", "--dev-account", "1"),
    )
    rows = [" ".join(line.split()) for line in ran.stdout.splitlines()]
    assert rows[1].startswith(f"price The contract {world.usdc.address} names the price of one purchase, in ETH.")
    shares = f"{world.builder.address} gets 3 of 4 parts of the price and {world.partner.address} gets 1 of 4 parts of the price"
    assert rows[2] == f"who is paid {shares}. The money goes straight from the buyer to the receivers."


@pytest.mark.parametrize("spell", [str, format_plan_id, format_did])
def test_plan_show__in_every_spelling_of_the_id__shows_the_plan(shell: Shell, spell: Callable[[int], str]) -> None:
    world = shell.world
    plan_id = world.register(uri="ipfs://plan")
    assert shell("plan", "show", spell(plan_id), "--json").json == {
        **names(plan_id),
        "owner": world.builder.address,
        "pending_owner": None,
        "active": True,
        "fee_bps": 0,
        "uri": "ipfs://plan",
        "metadata": None,
        "terms": {
            "price": str(PRICE),
            "kind": "credits",
            "activation": "on_purchase",
            "token": world.usdc.address,
            "splits": [{"receiver": world.builder.address, "amount": str(PRICE)}],
            "quoter": ZERO,
            "paid_externally": False,
            "credits": CREDITS,
            "duration": 0,
            "min_redeem": 1,
            "max_redeem": 10,
            "rule": "holder",
            "trial": False,
            "transferable": False,
        },
    }


def test_plan_show__for_people__reads_well(shell: Shell) -> None:
    world = shell.world
    world.set_fee(250)
    plan_id = world.register(trial=True, transferable=True, rule=RedemptionRule.OWNER, uri="ipfs://plan")
    builder = world.builder.address
    assert shell("plan", "show", str(plan_id)).stdout.splitlines() == [
        f"plan id                 {format_plan_id(plan_id)}",
        f"owner                   {builder}",
        "orders                  open",
        "price                   One purchase costs 20 USDC.",
        f"who is paid             {builder} gets 19.5 USDC. The money goes straight from the buyer to the receivers.",
        (
            "protocol fee            The protocol takes 2.5 % of the price, which is 0.5 USDC. The buyer pays nothing on top. "
            "The fee of this plan never changes."
        ),
        "what a purchase gives   One purchase gives 100 credits.",
        "what a request costs    A request costs 1 to 10 credits. The service says how many.",
        "how long it lasts       The credits never expire.",
        (
            "who may redeem          The seller, and accounts that the seller names, redeem the credits. They need no signature of "
            "the holder, and may redeem up to all that the holder has. The holder cannot redeem."
        ),
        "trial                   Each account gets this plan once, and orders it only for itself.",
        "transfer                The holder may send credits to others. The plan does not accept vouchers.",
        (
            "grants without payment  The seller, and accounts that the seller names, may give credits of this plan to anybody "
            "without payment."
        ),
        (
            "refunds                 There are no refunds. The contract does not keep the money, and cannot take it back from the "
            "receivers."
        ),
        (
            "later changes           Nobody can change these terms, not even the seller. The seller may stop new purchases, change "
            "the plan's name and description, choose which accounts act for the seller, and hand the plan to another seller. "
            "Holders keep what they have."
        ),
        "metadata                ipfs://plan",
    ]


def test_plan_show__with_hostile_metadata__prints_no_control_characters(shell: Shell) -> None:
    plan_id = shell.world.register(uri="a\x1b[31m\nplan id  0x00\u202e")
    shown = shell("plan", "show", str(plan_id)).stdout
    assert shown.splitlines()[-1] == "metadata                a [31m plan id  0x00 "


def test_plan_deactivate_and_activate__change_whether_it_takes_orders(shell: Shell) -> None:
    plan_id = shell.world.register()
    answer = shell("plan", "deactivate", str(plan_id), "--dev-account", "1", "--json").json
    assert answer == {**names(plan_id), "active": False, "transaction": sent(shell)}
    assert shell.world.read(shell.world.credits.functions.stateOf(plan_id))[2] is False
    answer = shell("plan", "activate", str(plan_id), "--dev-account", "1", "--json").json
    assert answer == {**names(plan_id), "active": True, "transaction": sent(shell)}
    assert shell.world.read(shell.world.credits.functions.stateOf(plan_id))[2] is True


@pytest.mark.parametrize("role", ["minter", "redeemer"])
def test_plan_set_role__allows_and_revokes(shell: Shell, role: str) -> None:
    plan_id, somebody = shell.world.register(), shell.world.other.address
    is_allowed = getattr(shell.world.credits.functions, f"is{role.capitalize()}")(plan_id, somebody)
    for options, allowed in ([], True), (["--revoke"], False):
        answer = shell("plan", f"set-{role}", str(plan_id), somebody, *options, "--dev-account", "1", "--json").json
        assert answer == {**names(plan_id), role: somebody, "allowed": allowed, "transaction": sent(shell)}
        assert shell.world.read(is_allowed) is allowed


# ---------------------------------------------------------------------- order


@pytest.mark.parametrize(("way", "transactions"), [(None, 1), ("permit", 1), ("authorization", 1), ("approve", 2)])
def test_order__in_each_way_to_pay__says_what_was_paid_to_whom(
    shell: Shell, way: str | None, transactions: int
) -> None:
    world = shell.world
    plan_id = world.register(splits=(Split(world.builder.address, 15), Split(world.partner.address, 5)))
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, 100))
    before = world.chain.web3.eth.block_number
    pay = ["--payment-method", way] if way else []
    answer = shell("order", str(plan_id), "--quantity", "2", *pay, "--dev-account", "2", "--json").json
    assert world.chain.web3.eth.block_number == before + transactions
    approval = answer.pop("approval")
    assert (approval is not None) == (way == "approve")
    assert answer == {
        **names(plan_id),
        "payer": world.subscriber.address,
        "receiver": world.subscriber.address,
        "quantity": 2,
        "token": world.usdc.address,
        "paid": "40",
        "receivers": {world.builder.address: "30", world.partner.address: "10"},
        "credits_granted": 200,
        "name": None,
        "repeated": False,
        "transaction": sent(shell),
    }
    assert world.tokens(world.subscriber.address) == 60
    assert world.tokens(world.builder.address) == 30
    assert world.balance(plan_id, world.subscriber.address) == 200


def test_order__for_somebody_else__for_people__reads_well(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.fund(world.subscriber)
    ran = shell("order", str(plan_id), "--receiver", world.other.address, "--max-cost", "20 USDC", "--dev-account", "2")
    assert ran.stdout.splitlines() == [
        f"plan id      {format_plan_id(plan_id)}",
        "paid         20 USDC",
        f"paid to      {world.builder.address}  20 USDC",
        "credits      100 granted",
        f"holder       {world.other.address}",
        f"transaction  {sent(shell)['hash']}",
        f"gas          {sent(shell)['gas_used']:,}",
    ]
    assert world.balance(plan_id, world.other.address) == 100
    assert ran.stderr.splitlines() == [
        "Connecting",
        "Reading the plan",
        f"Waiting for transaction {sent(shell)['hash']}",
    ]


def test_order__in_the_native_coin__sends_it_along(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(token=ZERO, splits=(Split(world.other.address, 10**15),))
    before = world.coins(world.other.address)
    ran = shell("order", str(plan_id), "--dev-account", "2")
    assert "paid         0.001 ETH" in ran.stdout.splitlines()
    assert world.coins(world.other.address) == before + 10**15


@pytest.mark.parametrize(
    ("name", "arguments", "shown"),
    [
        ("HonestToken", (), "0.00000000002 WEIRD (token {})"),
        ("HostileName", (), "0.00000000002 31mUSDC (token {})"),
        ("LiesAboutDecimals", (255,), "20000000 base units of token {}"),
        ("LiesAboutDecimals", (256,), "20000000 base units of token {}"),
    ],
)
def test_order__in_another_token__shows_its_amounts_and_address(
    shell: Shell, name: str, arguments: tuple[int, ...], shown: str
) -> None:
    world = shell.world
    token = world.deploy(name, *arguments)
    plan_id = world.register(token=token.address)
    world.fund(world.subscriber, token)
    ran = shell("order", str(plan_id), "--dev-account", "2")
    assert ran.stdout.splitlines()[1] == f"paid         {shown.format(token.address)}"
    assert world.tokens(world.builder.address, token) == PRICE


def test_order__with_a_limit_in_another_currency__is_refused(shell: Shell) -> None:
    plan_id = shell.world.register(token=ZERO)
    error = shell("order", str(plan_id), "--max-cost", "20 USDC", "--dev-account", "2", "--json").error
    assert error["message"].startswith("--max-cost is in USDC, and the plan's price is in ETH. Leave --max-cost out")


# ---------------------------------------------------------------------- credits


def test_balance__of_many_holders__is_one_object(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 7)
    holders = [world.subscriber.address, world.stranger.address.lower()]
    answer = shell("balance", format_did(plan_id), *holders, "--json").json
    assert answer == {
        **names(plan_id),
        "balances": {world.subscriber.address: 7, world.stranger.address: 0},
    }


def test_mint__to_one__grants_it(shell: Shell) -> None:
    plan_id, holder = shell.world.register(), shell.world.subscriber.address
    answer = shell("mint", str(plan_id), f"{holder}=10", "--dev-account", "1", "--json").json
    assert answer == {**names(plan_id), "holder": holder, "credits": 10, "credits_left": 10, "transaction": sent(shell)}
    assert shell.world.balance(plan_id, holder) == 10


def test_mint__to_many__grants_all_in_one_transaction(shell: Shell) -> None:
    world = shell.world
    plan_id, one, two = world.register(), world.subscriber.address, world.other.address
    answer = shell("mint", str(plan_id), f"{one}=10", f"{two}=5", "--dev-account", "1", "--json").json
    assert answer == {
        **names(plan_id),
        "minted": [{"holder": one, "credits": 10}, {"holder": two, "credits": 5}],
        "skipped": [],
        "transaction": sent(shell),
    }
    assert (world.balance(plan_id, one), world.balance(plan_id, two)) == (10, 5)


def test_mint__to_many_of_whom_one_cannot__shows_who_was_left_out_and_exits_6(shell: Shell) -> None:
    world = shell.world
    plan_id, one, no_receiver = world.register(), world.subscriber.address, world.usdc.address
    ran = shell("mint", str(plan_id), f"{one}=10", f"{no_receiver}=5", "--dev-account", "1")
    assert ran.exit_code == 6
    left_out = "ERC1155InvalidReceiver: it is a contract, and its code does not accept ERC-1155 tokens"
    assert ran.stdout.splitlines()[1:3] == [f"granted      {one}  10", f"left out     {no_receiver}  5: {left_out}"]
    assert (world.balance(plan_id, one), world.balance(plan_id, no_receiver)) == (10, 0)


@pytest.mark.parametrize(
    ("context", "written"),
    [
        ([], ""),
        (["--context", "request-1"], b"request-1".hex()),
        (["--context", "5f3f1b0e-6a0c-4c43-9f5e-0d6f6f2a9b11"], "5f3f1b0e6a0c4c439f5e0d6f6f2a9b11"),
        (["--context", "0x" + "ab" * 32], "ab" * 32),
    ],
)
def test_redeem__with_a_context__writes_it_to_the_event(shell: Shell, context: list[str], written: str) -> None:
    world = shell.world
    plan_id, holder = world.register(), world.subscriber.address
    world.grant(plan_id, holder, 10)
    answer = shell("redeem", str(plan_id), "3", *context, "--dev-account", "2", "--json").json
    assert answer == {
        **names(plan_id),
        "holder": holder,
        "credits": 3,
        "context": "0x" + written.ljust(64, "0"),
        "credits_left": 7,
        "transaction": sent(shell),
    }
    receipt = world.chain.web3.eth.get_transaction_receipt(answer["transaction"]["hash"])
    assert world.events(receipt)[1][1]["context"].hex() == written.ljust(64, "0")
    assert world.balance(plan_id, holder) == 7


def test_redeem__by_a_redeemer__takes_the_holders_credits(shell: Shell) -> None:
    world = shell.world
    plan_id, holder = world.register(rule=RedemptionRule.REDEEMER), world.subscriber.address
    world.grant(plan_id, holder, 10)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    ran = shell("redeem", str(plan_id), "2", "--holder", holder, "--dev-account", "4")
    assert ran.stdout.splitlines()[1:3] == [f"holder       {holder}", "credits      2 redeemed, 8 left"]
    assert world.balance(plan_id, holder) == 8


def test_burn__by_the_holder__destroys_credits(shell: Shell) -> None:
    plan_id, holder = shell.world.register(), shell.world.subscriber.address
    shell.world.grant(plan_id, holder, 10)
    answer = shell("burn", str(plan_id), "4", "--dev-account", "2", "--json").json
    assert answer == {**names(plan_id), "holder": holder, "credits": 4, "credits_left": 6, "transaction": sent(shell)}
    assert shell.world.balance(plan_id, holder) == 6


def test_faucet__to_somebody__gives_test_money(shell: Shell) -> None:
    world = shell.world
    somebody: LocalAccount = world.other
    answer = shell("faucet", "0.5 USDC", "--to", somebody.address, "--dev-account", "2", "--json").json
    assert answer == {
        "holder": somebody.address,
        "token": world.usdc.address,
        "amount": "500000",
        "transaction": sent(shell),
    }
    assert world.tokens(somebody.address) == 500_000


# ---------------------------------------------------------------------- how it answers


def test_json__with_verbose__says_on_stderr_what_it_waits_for(shell: Shell) -> None:
    plan_id = shell.world.register()
    ran = shell("plan", "show", str(plan_id), "--json", "-v")
    assert ran.stderr.splitlines() == ["Connecting", "Reading the plan"]


def test_options__from_the_environment__count_as_if_typed(shell: Shell) -> None:
    environment = {"NVM_CHAIN_DEV_ACCOUNT": "2", "NVM_CHAIN_JSON": "1"}
    plan_id = shell.world.register(splits=())
    assert shell("order", str(plan_id), "--quantity", "2", **environment).json["credits_granted"] == 200


def test_credits_option__names_the_contract__in_place_of_the_record(shell: Shell) -> None:
    plan_id = shell.world.register()
    address = shell.world.credits.address
    ran = shell("plan", "show", str(plan_id), "--credits", address, "--json", NVM_CHAIN_DEPLOYMENTS="nowhere")
    assert ran.json["plan_id"] == format_plan_id(plan_id)
