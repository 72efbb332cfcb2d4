"""credits: what mints, redemptions, burns, transfers and balances tell is what the chain shows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias
from uuid import UUID

import pytest
from eth_utils.crypto import keccak

from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155InvalidReceiver,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    InvalidContext,
    InvalidPlanId,
    NotMinter,
    NotTransferable,
    RedeemNotAllowed,
    RedeemOutOfRange,
    TrialAlreadyTaken,
    UnknownPlan,
)
from nvm_chain.operations.credits import (
    burn_credits,
    can_redeem,
    encode_context,
    mint_credits,
    mint_credits_batch,
    read_account,
    read_balance,
    read_balances,
    redeem_credits,
    transfer_credits,
)
from nvm_chain.operations.plans import set_minter, set_redeemer
from nvm_chain.types.accounts import Account, RedeemCheck
from nvm_chain.types.ids import format_did
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.receipts import BatchMintReceipt, CreditsReceipt, SkippedMint
from tests.support.events import granted, redeemed, taken
from tests.support.reverts import reverts
from tests.support.world import ZERO, World

EMBEDDED_TOO = True

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]
MAX_CREDITS = 2**54 - 1
NO_INT = ("is not an int", "give an int; amounts of money are base units, such as `usdc('20')`")


@pytest.fixture
def held(world: World, plan: RegisteredPlan) -> int:
    """The plan, of which the subscriber holds 10 credits."""
    world.grant(plan.plan_id, world.subscriber.address, 10)
    return plan.plan_id


def events(world: World, receipt: CreditsReceipt | BatchMintReceipt) -> list[tuple[str, dict[str, Any]]]:
    """Return what Credits emitted in a receipt's transaction."""
    return world.events(world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash))  # type: ignore[arg-type]


# ---------------------------------------------------------------------- mint


@pytest.mark.parametrize("role", ["builder", "minter"])
def test_mint_credits__by_owner_or_minter__grants_and_tells(world: World, plan: RegisteredPlan, role: str) -> None:
    set_minter(world.chain, world.builder, plan.plan_id, world.minter.address, True)
    signer, holder = getattr(world, role), world.subscriber.address
    receipt = mint_credits(world.chain, signer, format_did(plan.plan_id), holder.lower(), 7)
    assert receipt == CreditsReceipt(plan.plan_id, holder, 7, receipt.transaction)
    assert read_balance(world.chain, plan.plan_id, holder) == 7
    assert events(world, receipt) == [granted(signer.address, holder, plan.plan_id, 7)]


@pytest.mark.parametrize("role", ["stranger", "subscriber", "redeemer", "fee_owner"])
def test_mint_credits__by_anyone_else__is_refused(
    world: World, plan: RegisteredPlan, unchanged: Unchanged, role: str
) -> None:
    set_redeemer(world.chain, world.builder, plan.plan_id, world.redeemer.address, True)
    signer = getattr(world, role)
    with unchanged(signer, plan_ids=[plan.plan_id]), reverts(NotMinter(plan.plan_id, signer.address)):
        mint_credits(world.chain, signer, plan.plan_id, signer.address, 1)


def test_mint_credits__of_an_unknown_plan__is_refused(world: World, unchanged: Unchanged) -> None:
    with unchanged(world.builder), reverts(UnknownPlan(7)):
        mint_credits(world.chain, world.builder, 7, world.subscriber.address, 1)


def test_mint_credits__of_a_trial_that_was_taken__is_refused(world: World, unchanged: Unchanged) -> None:
    plan_id, holder = world.register(trial=True), world.subscriber.address
    mint_credits(world.chain, world.builder, plan_id, holder, 1)
    with unchanged(world.builder), reverts(TrialAlreadyTaken(plan_id, holder)):
        mint_credits(world.chain, world.builder, plan_id, holder, 1)
    assert read_account(world.chain, plan_id, holder) == Account(1, 0, 0, trial_taken=True)


def test_mint_credits__to_a_contract_that_takes_none__is_refused(
    world: World, plan: RegisteredPlan, unchanged: Unchanged
) -> None:
    receiver = world.deploy("NoHook").address
    with unchanged(world.builder), reverts(ERC1155InvalidReceiver(receiver)):
        mint_credits(world.chain, world.builder, plan.plan_id, receiver, 1)


@pytest.mark.parametrize("amount", [MAX_CREDITS - 1, MAX_CREDITS])
def test_mint_credits__up_to_the_largest_number__grants_them(world: World, plan: RegisteredPlan, amount: int) -> None:
    mint_credits(world.chain, world.builder, plan.plan_id, world.other.address, amount)
    assert read_balance(world.chain, plan.plan_id, world.other.address) == amount


def test_mint_credits__of_more_than_fit__is_refused(world: World, held: int, unchanged: Unchanged) -> None:
    holder = world.subscriber.address
    with unchanged(world.builder, world.subscriber), reverts(CreditsOverflow(held, holder, MAX_CREDITS - 9)):
        mint_credits(world.chain, world.builder, held, holder, MAX_CREDITS - 9)
    mint_credits(world.chain, world.builder, held, holder, MAX_CREDITS - 10)


# ---------------------------------------------------------------------- batch mint

TAKES_NONE = "it is a contract, and its code does not accept ERC-1155 tokens"


def test_mint_credits_batch__of_a_mapping_or_pairs__grants_all_in_one_transaction(
    world: World, plan: RegisteredPlan
) -> None:
    alice, bob = world.subscriber.address, world.other.address
    first = mint_credits_batch(world.chain, world.builder, plan.plan_id, {alice.lower(): 5, bob: 6})
    assert first == BatchMintReceipt(plan.plan_id, ((alice, 5), (bob, 6)), (), first.transaction)
    second = mint_credits_batch(world.chain, world.builder, plan.plan_id, iter([(bob, 1), (bob, 2)]))
    assert second == BatchMintReceipt(plan.plan_id, ((bob, 1), (bob, 2)), (), second.transaction)
    assert read_balances(world.chain, [(plan.plan_id, alice), (plan.plan_id, bob)]) == [5, 9]


def test_mint_credits_batch__with_receivers_that_refuse__reports_them_and_grants_the_others(
    world: World, plan: RegisteredPlan
) -> None:
    rejects, burns = world.deploy("RejectsCredits").address, world.deploy("BurnsGasInHook").address
    no_hook, alice = world.deploy("NoHook").address, world.subscriber.address
    mint_credits(world.chain, world.builder, plan.plan_id, world.other.address, MAX_CREDITS)
    pairs = [(rejects, 1), (alice, 2), (burns, 3), (no_hook, 4), (world.other.address, 5)]
    receipt = mint_credits_batch(world.chain, world.builder, plan.plan_id, pairs)
    assert receipt.minted == ((alice, 2),)
    selector = keccak(text="CreditsRejected()")[:4].hex()
    assert receipt.skipped == (
        SkippedMint(
            rejects,
            1,
            f"an error of the receiver's own (0x{selector})",
            f"it is a contract, and its code refuses with the error 0x{selector}",
        ),
        SkippedMint(burns, 3, "ERC1155InvalidReceiver", TAKES_NONE),
        SkippedMint(no_hook, 4, "ERC1155InvalidReceiver", TAKES_NONE),
        SkippedMint(world.other.address, 5, "CreditsOverflow"),
    )
    assert read_balances(world.chain, [(plan.plan_id, holder) for holder, _ in pairs]) == [0, 2, 0, 0, MAX_CREDITS]


def test_mint_credits_batch__of_a_trial__skips_who_had_it(world: World) -> None:
    plan_id, alice, bob = world.register(trial=True), world.subscriber.address, world.other.address
    receipt = mint_credits_batch(world.chain, world.builder, plan_id, [(alice, 1), (alice, 1), (bob, 1)])
    assert receipt.minted == ((alice, 1), (bob, 1))
    assert receipt.skipped == (SkippedMint(alice, 1, "TrialAlreadyTaken"),)


def test_mint_credits_batch__with_a_receiver_that_orders_in_its_hook__reports_its_own_items_only(
    world: World, plan: RegisteredPlan
) -> None:
    receiver = world.deploy("ReentersInHook")
    free = world.register(token=ZERO, splits=())
    order = world.credits.functions.order(free, receiver.address, 3, 0)
    world.send(world.stranger, receiver.functions.arm(world.credits.address, 0, order._encode_transaction_data()))
    receipt = mint_credits_batch(world.chain, world.builder, plan.plan_id, [(receiver.address, 4)])
    assert world.balance(free, receiver.address) == 300
    assert (receipt.minted, receipt.skipped) == (((receiver.address, 4),), ())


def test_mint_credits_batch__with_a_receiver_that_orders_the_plan_in_its_hook__reports_the_minted_items_only(
    world: World,
) -> None:
    receiver = world.deploy("ReentersInHook")
    free = world.register(token=ZERO, splits=())
    order = world.credits.functions.order(free, receiver.address, 3, 0)
    world.send(world.stranger, receiver.functions.arm(world.credits.address, 0, order._encode_transaction_data()))
    receipt = mint_credits_batch(world.chain, world.builder, free, [(receiver.address, 4)])
    assert world.balance(free, receiver.address) == 304
    assert (receipt.minted, receipt.skipped) == (((receiver.address, 4),), ())


def test_mint_credits_batch__of_nothing__is_refused(world: World, plan: RegisteredPlan, unchanged: Unchanged) -> None:
    with unchanged(world.builder), reverts(InvalidConfig("a batch without holders mints nothing")):
        mint_credits_batch(world.chain, world.builder, plan.plan_id, {})


@pytest.mark.parametrize("items", [[(ZERO, 1)], [("0x1", 1)]])
def test_mint_credits_batch__with_one_wrong_address__sends_nothing(
    world: World, plan: RegisteredPlan, unchanged: Unchanged, items: list[tuple[str, int]]
) -> None:
    with unchanged(world.builder), pytest.raises(InvalidAddress) as caught:
        mint_credits_batch(world.chain, world.builder, plan.plan_id, [(world.other.address, 1), *items])
    assert caught.value.args[:2] == ("receiver address", items[0][0])


def test_mint_credits_batch__by_a_stranger__is_refused(
    world: World, plan: RegisteredPlan, unchanged: Unchanged
) -> None:
    with unchanged(world.stranger), reverts(NotMinter(plan.plan_id, world.stranger.address)):
        mint_credits_batch(world.chain, world.stranger, plan.plan_id, {world.stranger.address: 1})


# ---------------------------------------------------------------------- redeem

REQUEST = UUID("12345678-1234-5678-1234-567812345678")


@pytest.mark.parametrize("context", ["request-1", b"\x01\x02", REQUEST, "", "ñ" * 16, b"\xff" * 32])
def test_redeem_credits__with_a_context__puts_it_in_the_event(world: World, held: int, context: Any) -> None:
    receipt = redeem_credits(world.chain, world.subscriber, held, 3, context=context)
    holder = world.subscriber.address
    assert receipt == CreditsReceipt(held, holder, 3, receipt.transaction)
    raw = context.bytes if isinstance(context, UUID) else context.encode() if isinstance(context, str) else context
    assert events(world, receipt) == [
        taken(holder, holder, held, 3),
        redeemed(held, holder, holder, 3, raw + bytes(32 - len(raw))),
    ]
    assert read_account(world.chain, held, holder) == Account(7, 0, 0, trial_taken=False)


@pytest.mark.parametrize("context", ["a" * 33, "ñ" * 17, b"\0" * 33])
def test_redeem_credits__with_a_context_that_does_not_fit__is_refused(
    world: World, held: int, unchanged: Unchanged, context: Any
) -> None:
    size = len(context.encode() if isinstance(context, str) else context)
    with unchanged(world.subscriber, plan_ids=[held]), reverts(InvalidContext(size)):
        redeem_credits(world.chain, world.subscriber, held, 1, context=context)


def test_encode_context__of_text_from_a_terminal_that_is_no_utf8__keeps_its_bytes() -> None:
    assert encode_context(b"\xffx".decode("utf-8", "surrogateescape")) == b"\xffx".ljust(32, b"\0")


@pytest.mark.parametrize("role", ["redeemer", "builder"])
def test_redeem_credits__of_a_holder_by_who_the_rule_names__takes_them(world: World, role: str) -> None:
    plan_id, holder = world.register(rule=RedemptionRule.OWNER), world.subscriber.address
    world.grant(plan_id, holder, 10)
    set_redeemer(world.chain, world.builder, plan_id, world.redeemer.address, True)
    receipt = redeem_credits(world.chain, getattr(world, role), plan_id, 4, holder=holder)
    assert (receipt.holder, receipt.amount, read_balance(world.chain, plan_id, holder)) == (holder, 4, 6)


@pytest.mark.parametrize("role", ["stranger", "builder", "redeemer"])
def test_redeem_credits__of_a_holder_by_who_the_rule_does_not_name__is_refused(
    world: World, held: int, unchanged: Unchanged, role: str
) -> None:
    signer, holder = getattr(world, role), world.subscriber.address
    with unchanged(signer, world.subscriber, plan_ids=[held]), reverts(RedeemNotAllowed(held, holder, signer.address)):
        redeem_credits(world.chain, signer, held, 1, holder=holder)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, "Ask the holder to sign a voucher, which a redeemer settles with `settle_vouchers`."),
        ({"transferable": True}, "Ask the holder to redeem."),
    ],
    ids=repr,
)
def test_redeem_credits__of_a_holder_where_only_the_holder_may__says_what_to_ask_for(
    world: World, changes: dict[str, Any], advice: str
) -> None:
    plan_id, holder = world.register(**changes), world.subscriber.address
    world.grant(plan_id, holder, 10)
    with pytest.raises(RedeemNotAllowed) as caught:
        redeem_credits(world.chain, world.builder, plan_id, 1, holder=holder)
    assert "The plan's rule is HOLDER, so only the holder can redeem." in caught.value.problem
    assert caught.value.next_step == advice


def test_redeem_credits__by_a_stranger_where_redeemers_may__keeps_the_advice(world: World) -> None:
    plan_id, holder = world.register(rule=RedemptionRule.REDEEMER), world.subscriber.address
    world.grant(plan_id, holder, 10)
    with pytest.raises(RedeemNotAllowed) as caught:
        redeem_credits(world.chain, world.stranger, plan_id, 1, holder=holder)
    assert "`set_redeemer`" in caught.value.next_step


@pytest.mark.parametrize("amount", [11, MAX_CREDITS])
def test_redeem_credits__above_the_plans_range__is_refused(
    world: World, held: int, unchanged: Unchanged, amount: int
) -> None:
    with unchanged(world.subscriber, plan_ids=[held]), reverts(RedeemOutOfRange(held, amount, 1, 10)):
        redeem_credits(world.chain, world.subscriber, held, amount)


def test_redeem_credits__above_the_balance__is_refused(world: World, held: int, unchanged: Unchanged) -> None:
    redeem_credits(world.chain, world.subscriber, held, 4)
    with unchanged(world.subscriber), reverts(InsufficientCredits(held, world.subscriber.address, 6, 7)):
        redeem_credits(world.chain, world.subscriber, held, 7)
    redeem_credits(world.chain, world.subscriber, held, 6)
    assert read_balance(world.chain, held, world.subscriber.address) == 0


def test_redeem_credits__of_an_unknown_plan__is_refused(world: World, unchanged: Unchanged) -> None:
    with unchanged(world.subscriber), reverts(UnknownPlan(7)):
        redeem_credits(world.chain, world.subscriber, 7, 1)


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (0, RedeemCheck(False, "RedeemOutOfRange")),
        (1, RedeemCheck(True, None)),
        (6, RedeemCheck(True, None)),
        (7, RedeemCheck(False, "InsufficientCredits")),
        (11, RedeemCheck(False, "RedeemOutOfRange")),
    ],
)
def test_can_redeem__of_an_amount__names_the_error(
    world: World, plan: RegisteredPlan, amount: int, expected: RedeemCheck
) -> None:
    world.grant(plan.plan_id, world.subscriber.address, 6)
    assert can_redeem(world.chain, plan.plan_id, world.subscriber.address, amount) == expected


def test_can_redeem__of_an_unknown_plan__names_the_error(world: World) -> None:
    assert can_redeem(world.chain, 7, world.subscriber.address, 1) == RedeemCheck(False, "UnknownPlan")


# ---------------------------------------------------------------------- burn


def test_burn_credits__by_the_holder__takes_them(world: World, held: int) -> None:
    holder = world.subscriber.address
    receipt = burn_credits(world.chain, world.subscriber, held, 4)
    assert receipt == CreditsReceipt(held, holder, 4, receipt.transaction)
    assert events(world, receipt) == [taken(holder, holder, held, 4)]


def test_burn_credits__by_an_operator__takes_the_holders(world: World, held: int) -> None:
    world.send(world.subscriber, world.credits.functions.setApprovalForAll(world.other.address, True))
    receipt = burn_credits(world.chain, world.other, held, 4, holder=world.subscriber.address)
    assert receipt.holder == world.subscriber.address
    assert read_balance(world.chain, held, world.subscriber.address) == 6


@pytest.mark.parametrize("role", ["stranger", "builder", "fee_owner"])
def test_burn_credits__by_anyone_else__is_refused(world: World, held: int, unchanged: Unchanged, role: str) -> None:
    signer, holder = getattr(world, role), world.subscriber.address
    error = ERC1155MissingApprovalForAll(signer.address, holder)
    with unchanged(signer, world.subscriber, plan_ids=[held]), reverts(error):
        burn_credits(world.chain, signer, held, 1, holder=holder)


@pytest.mark.parametrize(("amount", "plan_id"), [(11, None), (1, 7)])
def test_burn_credits__above_the_balance__is_refused(
    world: World, held: int, unchanged: Unchanged, amount: int, plan_id: int | None
) -> None:
    plan_id = plan_id or held
    available = read_balance(world.chain, plan_id, world.subscriber.address)
    error = InsufficientCredits(plan_id, world.subscriber.address, available, amount)
    with unchanged(world.subscriber, plan_ids=[held]), reverts(error):
        burn_credits(world.chain, world.subscriber, plan_id, amount)


def test_burn_and_transfer__above_the_balance__do_not_ask_for_an_order(world: World) -> None:
    plan_id, holder = world.register(transferable=True), world.subscriber
    world.grant(plan_id, holder.address, 10)
    with pytest.raises(InsufficientCredits) as caught:
        burn_credits(world.chain, holder, plan_id, 11)
    assert caught.value.next_step == "Burn at most 10 credits."
    with pytest.raises(InsufficientCredits) as caught:
        transfer_credits(world.chain, holder, plan_id, world.other.address, 11)
    assert caught.value.next_step == "Transfer at most 10 credits."
    with pytest.raises(InsufficientCredits) as caught:
        burn_credits(world.chain, world.other, plan_id, 1)
    assert caught.value.next_step == "Check the plan and the holder."


# ---------------------------------------------------------------------- transfer


def test_transfer_credits__where_the_plan_allows__moves_them(world: World) -> None:
    plan_id, other = world.register(transferable=True), world.other.address
    world.grant(plan_id, world.subscriber.address, 10)
    receipt = transfer_credits(world.chain, world.subscriber, plan_id, other, 4)
    assert receipt == CreditsReceipt(plan_id, other, 4, receipt.transaction)
    assert read_balances(world.chain, [(plan_id, world.subscriber.address), (plan_id, other)]) == [6, 4]


def test_transfer_credits__where_it_does_not__is_refused(world: World, held: int, unchanged: Unchanged) -> None:
    with unchanged(world.subscriber, world.other, plan_ids=[held]), reverts(NotTransferable(held)):
        transfer_credits(world.chain, world.subscriber, held, world.other.address, 1)


def test_transfer_credits__above_the_balance__is_refused(world: World, unchanged: Unchanged) -> None:
    plan_id = world.register(transferable=True)
    world.grant(plan_id, world.subscriber.address, 10)
    with unchanged(world.subscriber), reverts(InsufficientCredits(plan_id, world.subscriber.address, 10, 11)):
        transfer_credits(world.chain, world.subscriber, plan_id, world.other.address, 11)


def test_transfer_credits__to_a_contract_that_takes_none__is_refused(world: World, unchanged: Unchanged) -> None:
    plan_id, receiver = world.register(transferable=True), world.deploy("NoHook").address
    world.grant(plan_id, world.subscriber.address, 10)
    with unchanged(world.subscriber, plan_ids=[plan_id]), reverts(ERC1155InvalidReceiver(receiver)):
        transfer_credits(world.chain, world.subscriber, plan_id, receiver, 1)


def test_transfer_credits__to_oneself__changes_nothing(world: World) -> None:
    plan_id = world.register(transferable=True)
    world.grant(plan_id, world.subscriber.address, 10)
    transfer_credits(world.chain, world.subscriber, plan_id, world.subscriber.address, 10)
    assert read_balance(world.chain, plan_id, world.subscriber.address) == 10


# ---------------------------------------------------------------------- arguments, wherever they are taken


def act(world: World, action: str, plan_id: Any, holder: Any, amount: Any) -> Any:
    """Do one thing of this module with these arguments."""
    chain, subscriber = world.chain, world.subscriber
    actions: dict[str, Callable[[], Any]] = {
        "mint": lambda: mint_credits(chain, world.builder, plan_id, holder, amount),
        "batch": lambda: mint_credits_batch(chain, world.builder, plan_id, [(holder, amount)]),
        "redeem": lambda: redeem_credits(chain, subscriber, plan_id, amount, holder=holder),
        "burn": lambda: burn_credits(chain, subscriber, plan_id, amount, holder=holder),
        "transfer": lambda: transfer_credits(chain, subscriber, plan_id, holder, amount),
        "check": lambda: can_redeem(chain, plan_id, holder, amount),
        "balance": lambda: read_balance(chain, plan_id, holder),
        "balances": lambda: read_balances(chain, [(plan_id, holder)]),
        "account": lambda: read_account(chain, plan_id, holder),
    }
    return actions[action]()


WRITES = ["mint", "batch", "redeem", "burn", "transfer"]
READS = ["check", "balance", "balances", "account"]


@pytest.mark.parametrize("plan_id", [-1, 2**256, "0xg", None, 1.5])
def test_any_action__with_no_plan_id__is_refused(world: World, unchanged: Unchanged, plan_id: Any) -> None:
    with unchanged(world.builder, world.subscriber):
        for action in WRITES + READS:
            with reverts(InvalidPlanId(plan_id)):
                act(world, action, plan_id, world.subscriber.address, 1)


@pytest.mark.parametrize("holder", ["0x1", ZERO, "0x036CbD53842c5426634e7929541eC2318f3dCF7E", 5, b"", "me"])
def test_any_action__with_a_wrong_address__is_refused(
    world: World, held: int, unchanged: Unchanged, holder: Any
) -> None:
    with unchanged(world.builder, world.subscriber, plan_ids=[held]):
        for action in WRITES + READS:
            with pytest.raises(InvalidAddress) as caught:
                act(world, action, held, holder, 1)
            assert caught.value.args[1] == holder


@pytest.mark.parametrize("amount", [0, -1, 2**64, 2**256])
def test_any_write__of_an_amount_out_of_range__is_refused(
    world: World, held: int, unchanged: Unchanged, amount: int
) -> None:
    with unchanged(world.builder, world.subscriber, plan_ids=[held]):
        for action in WRITES:
            with reverts(InvalidAmount(f"amount {amount}", f"must be from 1 to {2**64 - 1}")):
                act(world, action, held, world.subscriber.address, amount)


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_any_action__of_an_amount_that_is_no_int__is_refused(
    world: World, held: int, unchanged: Unchanged, amount: Any
) -> None:
    with unchanged(world.builder, world.subscriber, plan_ids=[held]):
        for action in [*WRITES, "check"]:
            with reverts(InvalidAmount(f"amount {amount!r}", *NO_INT)):
                act(world, action, held, world.subscriber.address, amount)


# ---------------------------------------------------------------------- balances, and how many requests they take


def test_read_balances__of_many_plans_and_holders__is_in_their_order(world: World, held: int) -> None:
    other = world.register()
    world.grant(other, world.other.address, 3)
    pairs = [
        (other, world.other.address),
        (held, world.subscriber.address),
        (7, ZERO[:-1] + "1"),
        (held, world.other.address),
    ]
    assert read_balances(world.chain, pairs) == [3, 10, 0, 0]
    assert read_balances(world.chain, []) == []


@pytest.mark.parametrize("count", [1, 2, 500])
def test_read_balances__of_any_number__is_one_request(
    world: World, held: int, requests_made: list[str], count: int
) -> None:
    assert read_balances(world.chain, iter([(held, world.subscriber.address)] * count)) == [10] * count
    assert requests_made == ["eth_call"]


@pytest.mark.parametrize("action", ["check", "balance", "account"])
def test_reads__of_one_holder__are_one_request(world: World, held: int, requests_made: list[str], action: str) -> None:
    act(world, action, held, world.subscriber.address, 1)
    assert requests_made == ["eth_call"]
