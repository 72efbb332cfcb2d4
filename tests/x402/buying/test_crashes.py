"""A process that ends between any two steps of a payment: exactly one payment is made, and its plan is granted exactly once."""

from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NvmChainError
from nvm_chain.meter.store.payment_rows import NewPayment, PaymentState
from nvm_chain.meter.store.payments import list_unfinished
from nvm_chain.signing.authorizations import SignedTransferAuthorization
from nvm_chain.x402.settling import grants, jobs, looking, signing, transfers
from tests.x402.buying.market import CREDITS, PRICE, Desk, Market


class KilledError(BaseException):
    """The process ends here. Nothing that it would do later happens."""


def die(*_: object, **__: object) -> NoReturn:
    """End the process."""
    raise KilledError


def before(module: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what ends a process before a step."""
    return lambda patch: patch.setattr(module, name, die)


def after(module: Any, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what ends a process after a step."""

    def act(patch: pytest.MonkeyPatch) -> None:
        real = getattr(module, name)

        def step(*arguments: Any, **more: Any) -> NoReturn:
            real(*arguments, **more)
            raise KilledError

        patch.setattr(module, name, step)

    return act


STEPS = {
    "before the claim": before(transfers, "claim_payment"),
    "after the claim": after(transfers, "claim_payment"),
    "before the transaction is written down": before(signing, "note_sent"),
    "after it is written down, before it is sent": after(signing, "note_sent"),
    "after it is sent and mined": after(Chain, "send_data"),
    "before the payment is noted": before(looking, "note_paid"),
    "after the payment is noted": after(looking, "note_paid"),
    "before the grant": before(grants, "grant_external"),
    "after the grant is mined": after(grants, "grant_external"),
    "after the grant is noted": after(grants, "note_granted"),
    "before it is final": before(jobs, "note_final"),
    "after it is final": after(jobs, "note_final"),
}


def run_until_killed(desk: Desk, signed: SignedTransferAuthorization, new: NewPayment) -> bool:
    """Take a payment and go on with it, until the process is killed. Return whether it was."""
    try:
        desk.take(signed, new)
        for _ in range(3):
            desk.work()
            desk.market.mine(2)
        desk.market.mine(64)
        desk.work()
    except KilledError:
        return True
    return False


@pytest.mark.parametrize("asks_again", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_payment__whose_process_ends_at_any_step__is_made_and_granted_once(
    market: Market, desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str, asks_again: bool
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    with monkeypatch.context() as patch:
        STEPS[step](patch)
        for module in (transfers, jobs):  # a killed process does not tidy up
            patch.setattr(module, "leave_payment", die)
            patch.setattr(module, "give_payment_back", die)
        assert run_until_killed(desk, signed, new), step
    desk.restart()
    if asks_again or step == "before the claim":
        desk.take(signed, new)
    assert desk.finish(new).state is PaymentState.GRANTED, market.errors
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)


@pytest.mark.parametrize("step", list(STEPS)[:7])
def test_request__whose_process_ends_at_any_step__is_paid_once_at_most(
    market: Market, desk: Desk, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    new = market.request(signed)
    with monkeypatch.context() as patch:
        STEPS[step](patch)
        for name in ("leave_payment", "give_payment_back"):
            patch.setattr(transfers, name, die)
        with pytest.raises(KilledError):
            desk.take(signed, new)
    desk.restart()
    desk.work()
    assert desk.take(signed, new).payment.is_paid
    assert market.read_paid(buyer) == PRICE


def test_request__claimed_and_not_signed_when_its_process_ends__costs_nothing(
    market: Market, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer = market.new_buyer()
    signed = market.sign(buyer)
    with monkeypatch.context() as patch:
        after(transfers, "claim_payment")(patch)
        with pytest.raises(KilledError):
            desk.take(signed, market.request(signed))
    desk.restart()
    desk.work()
    assert desk.writer.run(list_unfinished) == []
    assert market.read_paid(buyer) == 0


def test_order__while_the_node_is_away_after_the_broadcast__is_under_way_and_granted_later(
    market: Market, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    buyer: LocalAccount = market.new_buyer()
    signed = market.sign(buyer)
    new = market.order(signed)
    real = Chain.find_receipt
    with monkeypatch.context() as patch:
        from nvm_chain.errors import ConnectionFailed, PaymentUnderWay

        def fail(self: Chain, transaction: str) -> NoReturn:
            real(self, transaction)
            raise ConnectionFailed("http://127.0.0.1", "gone")

        patch.setattr(Chain, "find_receipt", fail)
        quick = desk.transfers
        quick._chain.timeout_seconds = 1
        with pytest.raises(PaymentUnderWay):
            quick.take(signed, new, payee=market.payee, value=PRICE, seconds=300)
    assert isinstance(desk.read(new).state, PaymentState)
    assert desk.finish(new).state is PaymentState.GRANTED
    assert (market.read_credits(buyer), market.read_paid(buyer)) == (CREDITS, PRICE)
    assert not [each for each in market.errors if not isinstance(each, NvmChainError)]
