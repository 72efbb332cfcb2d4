"""Signed transfers are claimed, sent once, found whoever sent them, and granted once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.errors import (
    InsufficientFunds,
    NvmChainError,
    PaymentForOther,
    PaymentNotMade,
    PaymentUnderWay,
    TooManyPayments,
    TransferAlreadyUsed,
    TransferExpired,
    TransferMismatch,
    TransferRefused,
)
from nvm_chain.meter.store.payment_rows import NewPayment, PaymentState
from nvm_chain.meter.store.payments import PaymentLimits, claim_payment, leave_payment, list_unfinished, list_waiting
from nvm_chain.operations.credits import grant_external
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.signing.eip712 import StructType, sign_struct
from tests.x402.buying.market import CREDITS, PRICE, Desk, Market

CANCEL = StructType("CancelAuthorization(address authorizer,bytes32 nonce)")


@pytest.fixture
def buyer(market: Market) -> LocalAccount:
    """An account with USDC."""
    return market.new_buyer()


@pytest.fixture
def signed(market: Market, buyer: LocalAccount) -> SignedTransferAuthorization:
    """A transfer of the plan's price."""
    return market.sign(buyer)


@pytest.fixture
def new(market: Market, signed: SignedTransferAuthorization) -> NewPayment:
    """The payment for the plan."""
    return market.order(signed)


def check_granted_once(desk: Desk, buyer: LocalAccount, new: NewPayment) -> None:
    """Finish a payment, and check that one was made, and the plan was granted once for it."""
    assert desk.finish(new).state is PaymentState.GRANTED, desk.market.errors
    assert (desk.market.read_credits(buyer), desk.market.read_paid(buyer)) == (CREDITS, PRICE)
    assert desk.writer.run(list_unfinished) == []


def cancel(market: Market, buyer: LocalAccount, signed: SignedTransferAuthorization) -> None:
    """Cancel a transfer, as its payer."""
    nonce = signed.authorization.nonce
    signature = sign_struct(buyer, signed.token, CANCEL, (buyer.address, nonce))
    parts = (signature[64], signature[:32], signature[32:64])
    market.world.send(
        market.world.stranger, market.world.usdc.functions.cancelAuthorization(buyer.address, nonce, *parts)
    )


def test_take__of_a_new_transfer__sends_it_and_grants_once(
    desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    taken = desk.take(signed, new)
    assert (taken.payment.state, taken.payment.is_paid) == (PaymentState.PAID, True)
    desk.work()
    assert desk.read(new).state is PaymentState.PAID, "it is granted when its payment is deep enough"
    check_granted_once(desk, buyer, new)
    assert desk.take(signed, new).payment.state is PaymentState.GRANTED


def test_take__by_many_threads_at_once__is_sent_and_granted_once(
    desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    def take(_: int) -> NvmChainError | None:
        try:
            desk.take(signed, new)
        except NvmChainError as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(24)))
    assert all(each is None or isinstance(each, PaymentUnderWay) for each in outcomes), outcomes
    assert None in outcomes
    check_granted_once(desk, buyer, new)


def test_take__of_a_transfer_that_somebody_else_has_sent__counts_for_its_order(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    market.world.send(market.world.stranger, market.transfer(signed))
    assert desk.take(signed, new).payment.is_paid
    check_granted_once(desk, buyer, new)


def test_take__of_a_claimed_transfer_that_somebody_else_sends_first__counts_for_its_order(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    desk.writer.run(lambda store: claim_payment(store, new))
    desk.writer.run(lambda store: leave_payment(store, new.payment_id))
    market.world.send(market.world.stranger, market.transfer(signed))
    desk.work()
    assert desk.read(new).is_paid
    check_granted_once(desk, buyer, new)


def test_take__of_a_transfer_that_was_made_long_ago__is_refused(
    market: Market, desk: Desk, buyer: LocalAccount
) -> None:
    signed = market.sign(buyer, valid_before=market.chain.read_time() + 400)
    market.world.send(market.world.stranger, market.transfer(signed))
    market.ask("evm_increaseTime", 700)
    market.mine()
    with pytest.raises((TransferAlreadyUsed, TransferExpired)):
        desk.take(signed, market.order(signed))
    assert desk.writer.run(list_unfinished) == []


def test_take__of_a_canceled_transfer__is_refused_and_not_in_the_books(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    cancel(market, buyer, signed)
    with pytest.raises(TransferAlreadyUsed):
        desk.take(signed, new)
    assert (desk.writer.run(list_unfinished), market.read_paid(buyer)) == ([], 0)


def test_payment__canceled_after_its_claim__is_given_back(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    desk.writer.run(lambda store: claim_payment(store, new))
    desk.writer.run(lambda store: leave_payment(store, new.payment_id))
    cancel(market, buyer, signed)
    desk.work()
    assert (desk.writer.run(list_unfinished), market.read_credits(buyer)) == ([], 0)


def test_take__of_a_transfer_that_cannot_be_made__leaves_nothing(market: Market, desk: Desk) -> None:
    poor, buyer = market.new_buyer(PRICE - 1), market.new_buyer()
    now = market.chain.read_time()
    for signed, error in (
        (market.sign(poor), InsufficientFunds),
        (market.sign(buyer, valid_before=now - 1), TransferExpired),
        (market.sign(buyer, valid_before=now + 10_000), TransferMismatch),
        (market.sign(buyer, PRICE - 1), TransferMismatch),
        (market.sign(buyer, payee=market.world.other.address), TransferMismatch),
    ):
        with pytest.raises(error):
            desk.take(signed, market.order(signed))
    assert desk.writer.run(list_unfinished) == []
    assert (market.read_paid(buyer), market.read_credits(buyer)) == (0, 0)


def test_take__while_the_token_is_paused__is_refused_and_works_afterwards(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    owner = market.world.usdc.functions.pauser().call()
    market.ask("anvil_impersonateAccount", owner)
    market.ask("anvil_setBalance", owner, hex(10**18))
    for name in ("pause", "unpause"):
        data = market.world.usdc.encode_abi(name)
        market.ask("eth_sendTransaction", {"from": owner, "to": market.token, "data": data})
        if name == "pause":
            with pytest.raises(TransferRefused):
                desk.take(signed, new)
            assert desk.writer.run(list_unfinished) == []
    assert desk.take(signed, new).payment.is_paid
    check_granted_once(desk, buyer, new)


def test_take__of_a_known_transfer_for_something_else_or_with_another_signature__is_refused(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    desk.take(signed, new)
    forged = SignedTransferAuthorization(signed.authorization, signed.token, b"\1" * 64 + b"\x1b")
    others = (market.order(signed, plan_id=5), market.order(signed, quantity=2), market.request(signed))
    for other in (*others, market.order(forged)):
        with pytest.raises(PaymentForOther):
            desk.take(signed, other)
    check_granted_once(desk, buyer, new)


def test_take__beyond_a_limit__is_refused_before_anything_is_sent(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    limits = PaymentLimits(per_account=1, per_day=5)
    desk.take(signed, new, limits=limits)
    second = market.sign(buyer)
    with pytest.raises(TooManyPayments):
        desk.take(second, market.order(second), limits=limits)
    check_granted_once(desk, buyer, new)


def test_payment__that_expires_before_it_is_made__is_refused_when_no_block_can_change_it(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    world = market.world
    market.ask("evm_setAutomine", False)
    try:
        market.ask("anvil_setBalance", world.relayer.address, hex(10**20))
        transfers = desk.transfers
        transfers._chain.timeout_seconds = 1
        with pytest.raises(PaymentUnderWay):
            transfers.take(signed, new, payee=market.payee, value=PRICE, seconds=300)
        assert desk.read(new).state is PaymentState.SENT
        market.ask("anvil_dropAllTransactions")
    finally:
        market.ask("evm_setAutomine", True)
    market.ask("evm_increaseTime", 400)
    market.mine()
    desk.work()
    assert desk.read(new).state is PaymentState.SENT
    with pytest.raises(PaymentUnderWay):
        desk.take(signed, new)
    market.mine(64)
    desk.work()
    assert desk.read(new).state is PaymentState.REFUSED
    with pytest.raises(PaymentNotMade, match="expired"):
        desk.take(signed, new)
    assert (market.read_paid(buyer), market.read_credits(buyer)) == (0, 0)


def test_payment__whose_payer_spends_the_money_meanwhile__is_made_when_it_is_there_again(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    desk.writer.run(lambda store: claim_payment(store, new))
    desk.writer.run(lambda store: leave_payment(store, new.payment_id))
    world = market.world
    market.ask("anvil_setBalance", buyer.address, hex(10**18))
    world.send(buyer, world.usdc.functions.transfer(world.other.address, 90_000_000))
    desk.work()
    assert desk.writer.run(list_unfinished) == []
    world.send(world.other, world.usdc.functions.transfer(buyer.address, 90_000_000))
    assert desk.take(signed, new).payment.is_paid
    check_granted_once(desk, buyer, new)


def test_payment__whose_grant_the_plan_refuses__is_listed_until_a_person_grants_it(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    world = market.world
    desk.take(signed, new)
    set_minter = world.credits.functions.setMinter
    world.send(world.builder, set_minter(market.plan_id, world.minter.address, False))
    market.mine()
    desk.work()
    (listed,) = desk.writer.run(lambda store: list_waiting(store, new.purpose))
    assert (listed.state, listed.payment_id) == (PaymentState.BY_HAND, new.payment_id)
    assert "mint" in listed.reason
    desk.work()
    grant_external(market.chain, world.builder, market.plan_id, buyer.address, reference=new.payment_id)
    world.send(world.builder, set_minter(market.plan_id, world.minter.address, True))
    check_granted_once(desk, buyer, new)


def test_payment__whose_name_was_granted_to_somebody_else__is_listed(
    market: Market, desk: Desk, buyer: LocalAccount, signed: SignedTransferAuthorization, new: NewPayment
) -> None:
    world = market.world
    grant_external(market.chain, world.builder, market.plan_id, world.other.address, reference=new.payment_id)
    desk.take(signed, new)
    market.mine()
    desk.work()
    found = desk.read(new)
    assert (found.state, world.other.address in found.reason) == (PaymentState.BY_HAND, True)
    assert market.read_credits(buyer) == 0
