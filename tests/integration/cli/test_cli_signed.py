"""Orders and vouchers by signature, as they go from one shell to another in files."""

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.batches import Batches
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher, recover_signer, verify_voucher
from nvm_chain.types.ids import format_did
from tests.integration.cli.conftest import ANVIL_CHAIN_ID, Shell
from tests.support.shell import Ran, told
from tests.support.world import PRICE, ZERO

SUBSCRIBER = ("--dev-account", "2")
BUILDER = ("--dev-account", "1")
HOUR = 3600


@pytest.fixture
def plan_id(shell: Shell) -> int:
    """A plan of which the subscriber has 100 credits, and money for more."""
    plan_id = shell.world.register()
    shell.world.fund(shell.world.subscriber)
    shell.world.order(plan_id)
    return plan_id


def sign_voucher(shell: Shell, plan_id: int, *options: str) -> SignedVoucher:
    """Sign a voucher of the subscriber's for the builder on the command line."""
    redeemer = shell.world.builder.address
    ran = shell("voucher", "sign", str(plan_id), "--redeemer", redeemer, *options, *SUBSCRIBER, "--json")
    assert ran.exit_code == 0, ran.stdout
    assert ran.stdout.count("\n") == 1
    return SignedVoucher.from_json(ran.stdout.strip())


def write(name: str, *signed: SignedVoucher | SignedOrder | str) -> str:
    """Write signed messages to a file, one on a line."""
    lines = [item if isinstance(item, str) else item.to_json() for item in signed]
    Path(name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return name


# ---------------------------------------------------------------------- signed orders


def test_signed_order__signed_by_one_and_relayed_by_another__is_paid_by_the_first(shell: Shell, plan_id: int) -> None:
    world = shell.world
    money, coins = world.tokens(world.subscriber.address), world.coins(world.subscriber.address)
    state = shell.state(plan_id)
    signed = shell("signed-order", "sign", str(plan_id), "--quantity", "2", *SUBSCRIBER)
    assert shell.state(plan_id) == state
    assert signed.stderr.splitlines()[2:6] == [
        f"plan id   {format_plan_id(plan_id)}",
        f"payer     {world.subscriber.address}",
        f"receiver  {world.subscriber.address}",
        "quantity  2",
    ]
    assert "at most   40 USDC" in signed.stderr.splitlines()
    Path("order.json").write_text(signed.stdout, "utf-8")
    answer = shell("signed-order", "relay", "order.json", "--dev-account", "6", "--json").json
    assert (answer["payer"], answer["paid"], answer["credits_granted"]) == (
        world.subscriber.address,
        str(2 * PRICE),
        200,
    )
    assert answer["receivers"] == {world.builder.address: str(2 * PRICE)}
    assert world.tokens(world.subscriber.address) == money - 2 * PRICE
    assert world.coins(world.subscriber.address) == coins
    assert world.balance(plan_id, world.subscriber.address) == 300


def test_signed_order_verify__before_and_after_it_was_made__says_so(shell: Shell, plan_id: int) -> None:
    options = ("--receiver", shell.world.other.address, "--valid", "1d", "--max-cost", "20 USDC")
    line = shell("signed-order", "sign", str(plan_id), *options, *SUBSCRIBER, "--json").stdout
    signed = SignedOrder.from_json(line.strip())
    assert signed.order.valid_before == pytest.approx(shell.world.chain.read_time() + 24 * HOUR, abs=60)
    answer = shell("signed-order", "verify", "-", "--json", typed=line).json
    assert (answer["plan_id"], answer["did"]) == (format_plan_id(plan_id), format_did(plan_id))
    assert (answer["receiver"], answer["max_cost"]) == (shell.world.other.address, str(PRICE))
    assert shell("signed-order", "relay", "-", *BUILDER, typed=line).exit_code == 0
    again = shell("signed-order", "relay", "-", *BUILDER, "--json", typed=line)
    assert (again.exit_code, again.error["type"]) == (2, "OrderAlreadyMade")
    checked = shell("signed-order", "verify", "-", "--json", typed=line)
    assert (checked.exit_code, checked.error["type"]) == (2, "OrderAlreadyMade")


def test_signed_order__changed_on_the_way__is_refused_and_nothing_is_sent(shell: Shell, plan_id: int) -> None:
    fields = json.loads(shell("signed-order", "sign", str(plan_id), *SUBSCRIBER).stdout)
    state = shell.state(plan_id)
    changed = json.dumps({**fields, "receiver": shell.world.stranger.address})
    ran = shell("signed-order", "relay", write("order.json", changed), *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "AuthorizationSignatureInvalid")
    assert shell.state(plan_id) == state


@pytest.mark.parametrize(
    ("changes", "options", "exit_code", "error"),
    [
        ({"token": ZERO}, (), 6, "TokenWithoutCode"),
        ({"paid_externally": True, "token": ZERO, "splits": ()}, (), 6, "PaidExternally"),
        ({}, ("--max-cost", "19 USDC"), 6, "CostAboveMax"),
        ({}, ("--max-cost", "20 ETH"), 2, "InvalidConfig"),
        ({}, ("--quantity", "1000"), 5, "InsufficientFunds"),
        ({}, ("--valid", "5"), 2, "InvalidAmount"),
    ],
)
def test_signed_order_sign__of_what_cannot_be__is_refused(
    shell: Shell, plan_id: int, changes: dict[str, Any], options: tuple[str, ...], exit_code: int, error: str
) -> None:
    other = shell.world.register(**changes)
    ran = shell("signed-order", "sign", str(other), *options, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (exit_code, error)


# ---------------------------------------------------------------------- sign


def test_voucher_sign__with_a_cost__adds_to_what_was_settled_or_signed(shell: Shell, plan_id: int) -> None:
    world = shell.world
    first = sign_voucher(shell, plan_id, "--cost", "3", "--context", "request-1")
    assert first.voucher.ceiling == 3
    assert first.voucher.context == b"request-1".ljust(32, b"\0")
    assert first.voucher.deadline == pytest.approx(world.chain.read_time() + HOUR, abs=60)
    assert sign_voucher(shell, plan_id, "--cost", "3", "--last-ceiling", "40").voucher.ceiling == 43
    assert shell("voucher", "settle", str(plan_id), write("v.json", first), *BUILDER).exit_code == 0
    assert sign_voucher(shell, plan_id, "--cost", "3").voucher.ceiling == 6
    assert sign_voucher(shell, plan_id, "--cost", "3", "--last-ceiling", "2").voucher.ceiling == 6


def test_voucher_sign__with_a_ceiling__signs_a_session_up_to_it(shell: Shell, plan_id: int) -> None:
    world = shell.world
    signed = sign_voucher(shell, plan_id, "--ceiling", "50", "--valid", "12h")
    assert signed.voucher.ceiling == 50
    assert signed.voucher.deadline == pytest.approx(world.chain.read_time() + 12 * HOUR, abs=60)
    signer = recover_signer(signed, chain_id=ANVIL_CHAIN_ID, contract=world.credits.address)
    assert signer == world.subscriber.address


def test_voucher_sign__for_people__says_on_stderr_what_was_signed(shell: Shell, plan_id: int) -> None:
    world = shell.world
    ran = shell("voucher", "sign", str(plan_id), "--redeemer", world.builder.address, "--cost", "1", *SUBSCRIBER)
    assert ran.stderr.splitlines()[2:-2] == [
        f"plan id   {format_plan_id(plan_id)}",
        f"holder    {world.subscriber.address}",
        f"redeemer  {world.builder.address}",
        "ceiling   1 credit in all",
    ]
    assert ran.stderr.splitlines()[-2].startswith("until     20")
    assert ran.stderr.splitlines()[-1] == "next      sign the next voucher with --last-ceiling 1"
    verify_voucher(SignedVoucher.from_json(ran.stdout.strip()), chain_id=ANVIL_CHAIN_ID, contract=world.credits.address)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ((), "InvalidConfig"),
        (("--cost", "1", "--ceiling", "2"), "InvalidConfig"),
        (("--ceiling", "2", "--last-ceiling", "1"), "InvalidConfig"),
        (("--cost", "0"), "InvalidAmount"),
        (("--ceiling", "0"), "InvalidAmount"),
        (("--cost", "1", "--valid", "1 fortnight"), "InvalidAmount"),
        (("--cost", "1", "--context", "x" * 33), "InvalidContext"),
    ],
)
def test_voucher_sign__of_what_cannot_be__is_refused(
    shell: Shell, plan_id: int, options: tuple[str, ...], error: str
) -> None:
    redeemer = shell.world.builder.address
    ran = shell("voucher", "sign", str(plan_id), "--redeemer", redeemer, *options, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, error)


def sign_with_warnings(shell: Shell, plan_id: int, redeemer: str, *options: str, signer: str = "2") -> list[str]:
    """Sign a voucher, and return the warnings on stderr."""
    words = ("voucher", "sign", str(plan_id), "--redeemer", redeemer, *options, "--dev-account", signer)
    ran = shell(*words)
    assert ran.exit_code == 0, ran.stderr
    SignedVoucher.from_json(ran.stdout.strip())
    assert shell(*words, "--json").stderr == ""
    return [line.removeprefix("Warning: ") for line in ran.stderr.splitlines() if line.startswith("Warning: ")]


def test_voucher_sign__of_what_is_useless_now__warns(shell: Shell, plan_id: int) -> None:
    world = shell.world
    builder, stranger = world.builder.address, world.stranger.address
    assert sign_with_warnings(shell, plan_id, builder, "--cost", "2") == []
    (warning,) = sign_with_warnings(shell, plan_id, stranger, "--ceiling", "2")
    assert warning == f"{stranger} is neither the plan owner nor a redeemer of the plan, and cannot settle the voucher"
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, stranger, True))
    assert sign_with_warnings(shell, plan_id, stranger, "--ceiling", "2") == []
    (warning,) = sign_with_warnings(shell, plan_id, builder, "--cost", "11")
    assert warning == "a request on this plan takes 1 to 10 credits, not 11"
    (warning,) = sign_with_warnings(shell, plan_id, builder, "--cost", "1", signer="1")
    assert warning == "you have no credits of this plan now, so a settlement would take nothing"
    first = sign_voucher(shell, plan_id, "--cost", "2")
    assert shell("voucher", "settle", str(plan_id), write("v.json", first), *BUILDER).exit_code == 0
    (warning,) = sign_with_warnings(shell, plan_id, builder, "--ceiling", "2")
    assert warning == "2 credits of yours are settled already, so the ceiling of 2 pays for nothing"


def test_voucher_sign__asks_the_node_once(shell: Shell, plan_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is read of the plan, the account and the redeemer is one batch."""
    batches: list[int] = []
    single: list[Any] = []
    ask, answer = Batches._ask, Batches.answer

    def note_batch(self: Batches, batch: Any) -> Any:
        batches.append(len(batch))
        return ask(self, batch)

    def note_single(self: Batches, make_request: Any, request: Any) -> Any:
        def alone(method: Any, params: Any) -> Any:
            single.append((method, params))
            return make_request(method, params)

        return answer(self, alone, request)

    monkeypatch.setattr(Batches, "_ask", note_batch)
    monkeypatch.setattr(Batches, "answer", note_single)
    sign_voucher(shell, plan_id, "--cost", "2")
    assert batches == [5]
    contract = shell.world.credits.address
    assert [params for method, params in single if method == "eth_call" and params[0]["to"] == contract] == []
    assert [method for method, _ in single if method == "eth_getBlockByNumber"] == []


def test_voucher_sign__help__says_what_a_missing_last_ceiling_does(shell: Shell) -> None:
    text = " ".join(shell("voucher", "sign", "--help").stdout.split())
    assert "Without --last-ceiling, a second voucher before a settlement has the same ceiling" in text


def test_signed_order_sign__of_a_free_plan__names_the_command_that_orders_it(shell: Shell) -> None:
    free, coin = shell.world.register(token=ZERO, splits=()), shell.world.register(token=ZERO)
    error = shell("signed-order", "sign", str(free), *SUBSCRIBER, "--json").error
    assert (error["type"], error["next_step"]) == ("InvalidConfig", "Order it with `nvm-chain order`.")
    error = shell("signed-order", "sign", str(coin), *SUBSCRIBER, "--json").error
    assert (error["type"], error["next_step"]) == (
        "TokenWithoutCode",
        "Order it with `nvm-chain order`, which needs no signature.",
    )


def test_voucher_sign__on_a_plan_without_vouchers__is_refused(shell: Shell) -> None:
    plan_id = shell.world.register(transferable=True)
    options = ("--redeemer", shell.world.builder.address, "--cost", "1")
    ran = shell("voucher", "sign", str(plan_id), *options, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "SettlementsNotAccepted")
    assert "Use `nvm-chain redeem`, or `nvm-chain pay` on a usage plan." in ran.error["message"]


# ---------------------------------------------------------------------- verify


def test_voucher_verify__against_the_chain__says_what_it_would_bring(shell: Shell, plan_id: int) -> None:
    signed = sign_voucher(shell, plan_id, "--ceiling", "150")
    answer = shell("voucher", "verify", write("v.json", signed), "--json").json
    assert answer == {
        "plan_id": format_plan_id(plan_id),
        "did": format_did(plan_id),
        "holder": shell.world.subscriber.address,
        "redeemer": shell.world.builder.address,
        "ceiling": 150,
        "context": "0x" + "00" * 32,
        "deadline": signed.voucher.deadline,
        "balance": 100,
        "settled": 0,
        "available": 100,
    }
    lines = shell("voucher", "verify", "-", typed=signed.to_json()).stdout.splitlines()
    assert lines[-2:] == ["signature  good", "brings     100 credits now"]


def offline(shell: Shell, file: str, *options: str, credits: str | None = None) -> Ran:
    """Verify a voucher without a node."""
    where = ("--chain-id", str(ANVIL_CHAIN_ID), "--credits", credits or shell.world.credits.address)
    return shell("voucher", "verify", file, "--offline", *where, *options, "--json", NVM_CHAIN_RPC="http://127.0.0.1:9")


def test_voucher_verify__offline__asks_no_node(shell: Shell, plan_id: int) -> None:
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "1"))
    answer = offline(shell, file, "--redeemer", shell.world.builder.address).json
    assert (answer["ceiling"], answer["balance"], answer["available"]) == (1, None, None)
    refused = offline(shell, file, "--redeemer", shell.world.stranger.address)
    assert (refused.exit_code, refused.error["type"]) == (2, "VoucherMismatch")
    elsewhere = offline(shell, file, credits=shell.world.usdc.address)
    assert (elsewhere.exit_code, elsewhere.error["type"]) == (2, "VoucherSignatureInvalid")
    message = elsewhere.error["message"]
    assert message.endswith(" is a contract wallet, check the signature with the chain, without --offline.")


@pytest.mark.parametrize(
    ("ceiling", "told"), [(2**53 - 1, 2**53 - 1), (2**53, str(2**53)), (2**64 - 1, str(2**64 - 1))]
)
def test_voucher_verify__of_a_ceiling_that_parsers_round__has_it_as_text(
    shell: Shell, plan_id: int, ceiling: int, told: int | str
) -> None:
    file = write("v.json", sign_voucher(shell, plan_id, "--ceiling", str(ceiling)))
    assert offline(shell, file).json["ceiling"] == told


def test_voucher_verify__offline__needs_to_know_the_contract(shell: Shell, plan_id: int) -> None:
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "1"))
    error = shell("voucher", "verify", file, "--offline", "--json").error
    said = "the contract of the voucher is missing; give --chain-id N and --credits ADDRESS with --offline"
    assert told(error) == said


def test_voucher_verify__after_it_was_settled__is_refused(shell: Shell, plan_id: int) -> None:
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "1"))
    assert shell("voucher", "settle", str(plan_id), file, *BUILDER).exit_code == 0
    ran = shell("voucher", "verify", file, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "VoucherAlreadySettled")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no signed voucher in v.json"),
        ("\n\n", "there is no signed voucher in v.json"),
        ("{}", "v.json, line 1: its type is None, not 'nvm_chain.voucher.v1'"),
        ("\nhello", "v.json, line 2: it is not JSON"),
        ("\xff", "cannot read v.json (it is not text)"),
        (None, "cannot read v.json (No such file or directory)"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "settle"])
def test_voucher_file__that_holds_no_voucher__is_named_with_the_line(
    shell: Shell, command: str, text: str | None, problem: str
) -> None:
    if text is not None:
        Path("v.json").write_text(text, "latin-1")
    words = ("verify", "v.json") if command == "verify" else ("settle", "7", "v.json", *BUILDER)
    ran = shell("voucher", *words, "--json")
    assert (ran.exit_code, ran.error["fields"]["reason"]) == (2, problem)


def test_voucher_verify__of_two_at_once__is_refused(shell: Shell, plan_id: int) -> None:
    signed = sign_voucher(shell, plan_id, "--cost", "1")
    error = shell("voucher", "verify", write("v.json", signed, signed), "--json").error
    assert error["message"] == "v.json holds 2 signed messages. Give a file with one message."


# ---------------------------------------------------------------------- settle


def test_voucher_settle__of_many_holders__takes_all_in_one_transaction(shell: Shell, plan_id: int) -> None:
    world = shell.world
    world.grant(plan_id, world.other.address, 5)
    mine = sign_voucher(shell, plan_id, "--ceiling", "40")
    theirs = sign_next_voucher(world.chain, world.other, plan_id, redeemer=world.builder.address, cost=9)
    before = world.chain.web3.eth.block_number
    files = (write("a.jsonl", mine), write("b.jsonl", theirs))
    answer = shell("voucher", "settle", str(plan_id), *files, *BUILDER, "--json").json
    assert world.chain.web3.eth.block_number == before + 1
    assert answer.pop("transaction")["block_number"] == before + 1
    assert answer == {
        "plan_id": format_plan_id(plan_id),
        "did": format_did(plan_id),
        "redeemer": world.builder.address,
        "credits": 45,
        "outcomes": [
            {"holder": world.subscriber.address, "credits": 40, "result": "settled"},
            {"holder": world.other.address, "credits": 5, "result": "short"},
        ],
    }
    assert (world.balance(plan_id, world.subscriber.address), world.balance(plan_id, world.other.address)) == (60, 0)


def test_voucher_settle__where_some_bring_nothing__settles_the_others_and_exits_6(shell: Shell, plan_id: int) -> None:
    world = shell.world
    good = sign_voucher(shell, plan_id, "--ceiling", "7")
    forged = SignedVoucher(replace(good.voucher, ceiling=50), good.signature)
    ran = shell("voucher", "settle", str(plan_id), write("v.jsonl", good, good, forged), *BUILDER)
    holder = world.subscriber.address
    assert ran.exit_code == 6
    assert ran.stdout.splitlines()[:5] == [
        f"plan id          {format_plan_id(plan_id)}",
        f"settled          {holder}  7 credits",
        f"already settled  {holder}  nothing, an earlier settlement reached the total or ceiling",
        f"not signed       {holder}  nothing, the holder's signature for this redeemer is missing or invalid",
        "taken            7 credits by 3 items",
    ]
    assert world.balance(plan_id, holder) == 93


def test_voucher_settle__of_totals__needs_no_file_where_the_rule_lets_the_signer_redeem(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(rule=RedemptionRule.OWNER)
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, 10)
    totals = ("--total", f"{world.subscriber.address}=4", "--total", f"{world.other.address.lower()}=12")
    answer = shell("voucher", "settle", str(plan_id), *totals, *BUILDER, "--json").json
    assert answer["outcomes"] == [
        {"holder": world.subscriber.address, "credits": 4, "result": "settled"},
        {"holder": world.other.address, "credits": 10, "result": "short"},
    ]
    again = shell("voucher", "settle", str(plan_id), *totals, *BUILDER, "--json")
    assert (again.exit_code, json.loads(again.stdout)["credits"]) == (6, 0)


def test_voucher_settle__of_a_voucher_and_a_total__takes_both_in_one_transaction(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(rule=RedemptionRule.OWNER)
    for holder in (world.subscriber, world.other):
        world.grant(plan_id, holder.address, 10)
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "3"))
    total = ("--total", f"{world.other.address}=2")
    answer = shell("voucher", "settle", str(plan_id), file, *total, *BUILDER, "--json").json
    assert [outcome["credits"] for outcome in answer["outcomes"]] == [3, 2]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            (),
            "The items to settle are missing. Give files with vouchers, or --total HOLDER=CREDITS where the rule lets you redeem.",
        ),
        (("--total", "0x12"), "--total '0x12' is not HOLDER=CREDITS, such as 0x…=10. Correct it. Nothing was sent."),
    ],
)
def test_voucher_settle__of_nothing__says_what_to_give(shell: Shell, options: tuple[str, ...], problem: str) -> None:
    ran = shell("voucher", "settle", "7", *options, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["message"]) == (2, problem)


def test_voucher_settle__by_a_redeemer__works_and_by_a_stranger_not(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register(rule=RedemptionRule.HOLDER)
    world.grant(plan_id, world.subscriber.address, 10)
    signed = sign_next_voucher(world.chain, world.subscriber, plan_id, redeemer=world.redeemer.address, cost=2)
    file = write("v.json", signed)
    refused = shell("voucher", "settle", str(plan_id), file, "--dev-account", "4", "--json")
    assert (refused.exit_code, refused.error["type"]) == (6, "NotRedeemer")
    assert "`nvm-chain plan set-redeemer`" in refused.error["message"]
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    assert shell("voucher", "settle", str(plan_id), file, "--dev-account", "4", "--json").json["credits"] == 2
    other = shell("voucher", "settle", str(plan_id), file, *BUILDER, "--json")
    assert (other.exit_code, other.error["type"]) == (2, "VoucherMismatch")


@pytest.mark.parametrize("spoil", ["settled already", "without credits", "expired"])
def test_voucher_settle__of_what_brings_nothing__sends_nothing_and_says_why(shell: Shell, spoil: str) -> None:
    world = shell.world
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 3)
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "3"))
    words = ("voucher", "settle", str(plan_id), file, *BUILDER)
    if spoil == "settled already":
        assert shell(*words).exit_code == 0
    elif spoil == "without credits":
        world.send(world.subscriber, world.credits.functions.burn(plan_id, world.subscriber.address, 3))
    else:
        world.mine_at(max(world.now, int(time.time())) + 3601)
    state = shell.state(plan_id)
    ran = shell(*words, "--json")
    answer = json.loads(ran.stdout)
    result = {"settled already": "already_settled", "without credits": "short", "expired": "expired"}[spoil]
    assert (ran.exit_code, answer["credits"], answer["transaction"]) == (6, 0, None)
    assert answer["outcomes"] == [{"holder": world.subscriber.address, "credits": 0, "result": result}]
    last = shell(*words).stdout.splitlines()[-1]
    assert " ".join(last.split()) == "transaction none: no item takes credits, so nothing was sent"
    assert shell.state(plan_id) == state


def test_voucher_settle__of_a_total_that_the_rule_does_not_allow__sends_nothing_and_says_why(shell: Shell) -> None:
    world = shell.world
    plan_id, holder = world.register(), world.subscriber.address
    world.grant(plan_id, holder, 3)
    state = shell.state(plan_id)
    ran = shell("voucher", "settle", str(plan_id), "--total", f"{holder}=3", *BUILDER, "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["transaction"]) == (6, None)
    assert answer["outcomes"] == [{"holder": holder, "credits": 0, "result": "not_signed"}]
    assert shell.state(plan_id) == state


def test_voucher_settle__of_items_that_bring_nothing_each_for_another_reason__sends_nothing(shell: Shell) -> None:
    world = shell.world
    plan_id, holder, other = world.register(), world.subscriber.address, world.other.address
    world.grant(plan_id, holder, 3)
    expired = sign_voucher(shell, plan_id, "--cost", "1", "--valid", "1s")
    world.mine_at(max(world.now, int(time.time())) + 60)
    used = sign_voucher(shell, plan_id, "--cost", "2")
    assert shell("voucher", "settle", str(plan_id), write("used.json", used), *BUILDER).exit_code == 0
    unsigned = replace(sign_voucher(shell, plan_id, "--cost", "1"), signature=b"")
    file = write("v.jsonl", used, expired, unsigned, used)
    state = shell.state(plan_id)
    ran = shell("voucher", "settle", str(plan_id), file, "--total", f"{other}=3", *BUILDER, "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["transaction"]) == (6, None)
    assert [outcome["result"] for outcome in answer["outcomes"]] == [
        "already_settled",
        "expired",
        "not_signed",
        "already_settled",
        "not_signed",
    ]
    assert shell.state(plan_id) == state


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_voucher_settle__of_a_file_without_vouchers__sends_nothing_and_says_so(shell: Shell, text: str) -> None:
    plan_id = shell.world.register()
    state = shell.state(plan_id)
    Path("empty.jsonl").write_text(text)
    ran = shell("voucher", "settle", str(plan_id), "empty.jsonl", *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert ran.error["problem"] == "There is no signed voucher in empty.jsonl."
    assert shell.state(plan_id) == state


@pytest.mark.parametrize("rule", [RedemptionRule.HOLDER, RedemptionRule.OWNER])
def test_voucher_settle__without_its_signature__sends_nothing_whatever_the_rule(
    shell: Shell, rule: RedemptionRule
) -> None:
    world = shell.world
    plan_id = world.register(rule=rule)
    world.grant(plan_id, world.subscriber.address, 3)
    file = write("v.json", replace(sign_voucher(shell, plan_id, "--cost", "1"), signature=b""))
    state = shell.state(plan_id)
    ran = shell("voucher", "settle", str(plan_id), file, *BUILDER, "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["transaction"]) == (6, None)
    assert [outcome["result"] for outcome in answer["outcomes"]] == ["not_signed"]
    assert shell.state(plan_id) == state


@pytest.mark.parametrize("total", [0, 2**64])
def test_voucher_settle__of_a_total_out_of_range__is_refused_before_anything_is_sent(shell: Shell, total: int) -> None:
    world = shell.world
    plan_id = world.register(rule=RedemptionRule.OWNER)
    state = shell.state(plan_id)
    words = ("--total", f"{world.subscriber.address}={total}")
    ran = shell("voucher", "settle", str(plan_id), *words, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidAmount")
    assert shell.state(plan_id) == state


def test_voucher_settle__signed_by_somebody_else__sends_nothing_and_says_why(shell: Shell) -> None:
    world = shell.world
    plan_id, holder = world.register(), world.subscriber.address
    world.grant(plan_id, holder, 3)
    good, other = (sign_voucher(shell, plan_id, "--cost", cost) for cost in ("1", "2"))
    state = shell.state(plan_id)
    file = write("v.json", replace(good, signature=other.signature))
    ran = shell("voucher", "settle", str(plan_id), file, *BUILDER, "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["transaction"]) == (6, None)
    assert [outcome["result"] for outcome in answer["outcomes"]] == ["not_signed"]
    assert shell.state(plan_id) == state


def test_voucher_settle__by_a_stranger__is_not_redeemer_and_nothing_is_sent(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    state = shell.state(plan_id)
    words = ("--total", f"{world.subscriber.address}=3", "--dev-account", "3")
    ran = shell("voucher", "settle", str(plan_id), *words, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "NotRedeemer")
    assert shell.state(plan_id) == state


def test_voucher_settle__of_a_used_up_and_a_good_one__takes_the_good_one(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 10)
    first = write("first.json", sign_voucher(shell, plan_id, "--cost", "3"))
    assert shell("voucher", "settle", str(plan_id), first, *BUILDER).exit_code == 0
    second = write("second.json", sign_voucher(shell, plan_id, "--cost", "2"))
    ran = shell("voucher", "settle", str(plan_id), first, second, *BUILDER, "--json")
    outcomes = [(outcome["credits"], outcome["result"]) for outcome in json.loads(ran.stdout)["outcomes"]]
    assert (ran.exit_code, outcomes) == (6, [(0, "already_settled"), (2, "settled")])


def test_voucher_settle__of_another_redeemers_used_up_voucher__is_refused_as_before(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 3)
    file = write("v.json", sign_voucher(shell, plan_id, "--cost", "3"))
    assert shell("voucher", "settle", str(plan_id), file, *BUILDER).exit_code == 0
    ran = shell("voucher", "settle", str(plan_id), file, "--dev-account", "4", "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "VoucherMismatch")
