"""What a settlement would bring is what it brings: by each rule, for each sender, of items that go well and of those that do not."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from nvm_chain.chain.client import Chain
from nvm_chain.enums import RedemptionRule, SettlementResult
from nvm_chain.errors import InvalidAmount, NotRedeemer, SettlementsNotAccepted
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.operations.settlement_forecast import forecast_outcomes
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher, voucher_digest
from nvm_chain.types.accounts import HolderTotal
from nvm_chain.types.receipts import SettlementOutcome
from tests.support.world import World

HOLDERS: list[LocalAccount] = [Account.from_key(f"0x{number:064x}") for number in range(0xF0CA57, 0xF0CA57 + 5)]
GRANTED = 10
SETTLED, SHORT, EXPIRED, ALREADY_SETTLED, NOT_SIGNED = SettlementResult


class Stage:
    """A plan of a rule, whose holders have ten credits each, and a sender who may settle."""

    def __init__(self, world: World, rule: RedemptionRule, *, by_owner: bool = True) -> None:
        self.world = world
        self.plan_id = world.register(rule=rule)
        self.sender = world.builder if by_owner else world.redeemer
        set_redeemer(world.chain, world.builder, self.plan_id, world.redeemer.address, True)
        for holder in HOLDERS:
            world.grant(self.plan_id, holder.address, GRANTED)

    def sign(self, holder: LocalAccount, ceiling: int, *, seconds: int = 3600, forged: bool = False) -> SignedVoucher:
        """Sign a voucher for the sender, as its holder or as somebody else."""
        deadline = self.world.now + seconds
        redeemer = self.sender.address
        voucher = build_voucher(
            self.plan_id, holder=holder.address, redeemer=redeemer, ceiling=ceiling, deadline=deadline
        )
        place: dict[str, Any] = {"chain_id": self.world.chain.chain_id, "contract": self.world.credits.address}
        if not forged:
            return sign_voucher(holder, voucher, **place)
        digest = Hash32(voucher_digest(voucher, **place))
        return SignedVoucher(voucher, bytes(self.world.stranger.unsafe_sign_hash(digest).signature))

    def forecast(self, *items: SignedVoucher | HolderTotal) -> tuple[SettlementOutcome, ...]:
        """Return what a settlement would bring."""
        return forecast_outcomes(self.world.chain, self.plan_id, items, redeemer=self.sender.address)

    def check(self, *items: SignedVoucher | HolderTotal) -> list[tuple[int, SettlementResult]]:
        """Check that it brings that, and return it."""
        told = self.forecast(*items)
        assert settle_vouchers(self.world.chain, self.sender, self.plan_id, items).outcomes == told
        return [(outcome.amount, outcome.result) for outcome in told]


def total(holder: LocalAccount, amount: int) -> HolderTotal:
    """Return an item without a voucher."""
    return HolderTotal(holder.address, amount)


RULES = pytest.mark.parametrize("rule", RedemptionRule)
SENDERS = pytest.mark.parametrize("by_owner", [True, False], ids=["owner", "redeemer"])


@RULES
@SENDERS
def test_forecast_outcomes__of_one_item_of_each_kind__is_what_the_settlement_brings(
    world: World, rule: RedemptionRule, by_owner: bool
) -> None:
    stage = Stage(world, rule, by_owner=by_owner)
    first, second, third, fourth, fifth = HOLDERS
    found = stage.check(
        stage.sign(first, 4),
        stage.sign(second, GRANTED + 3),
        stage.sign(third, 4, seconds=-1),
        stage.sign(fourth, 4, forged=True),
        total(fifth, 4),
    )
    trusted = rule is RedemptionRule.OWNER or (rule is RedemptionRule.REDEEMER and not by_owner)
    assert found[:4] == [(4, SETTLED), (GRANTED, SHORT), (0, EXPIRED), (0, NOT_SIGNED)]
    assert found[4] == ((4, SETTLED) if trusted else (0, NOT_SIGNED))


@SENDERS
def test_forecast_outcomes__of_many_items_of_one_holder__counts_what_those_before_took(
    world: World, by_owner: bool
) -> None:
    """In each order of items that add up, that go back, that are for nothing, and that come when nothing is left."""
    stage, holder = Stage(world, RedemptionRule.OWNER, by_owner=by_owner), HOLDERS[0]
    items: list[SignedVoucher | HolderTotal] = [
        stage.sign(holder, 3),
        total(holder, 5),
        stage.sign(holder, 4),
        stage.sign(holder, 9, forged=True),
        stage.sign(holder, 9, seconds=-1),
        stage.sign(holder, GRANTED + 5),
        total(holder, GRANTED + 6),
    ]
    snapshot = world.take_snapshot()
    found = stage.check(*items)
    assert found == [
        (3, SETTLED),
        (2, SETTLED),
        (0, ALREADY_SETTLED),
        (0, NOT_SIGNED),
        (0, EXPIRED),
        (5, SHORT),
        (0, SHORT),
    ]
    world.revert_to(snapshot)
    stage.check(*items[::-1])


@RULES
def test_forecast_outcomes__after_a_settlement__are_of_what_is_left(world: World, rule: RedemptionRule) -> None:
    stage, holder = Stage(world, rule), HOLDERS[0]
    signed = stage.sign(holder, 4)
    assert stage.check(signed) == [(4, SETTLED)]
    assert stage.check(signed, stage.sign(holder, 3), stage.sign(holder, 5)) == [
        (0, ALREADY_SETTLED),
        (0, ALREADY_SETTLED),
        (1, SETTLED),
    ]
    expired_and_settled = stage.sign(holder, 4, seconds=-1)
    forged_and_settled = stage.sign(holder, 4, forged=True)
    stage.check(expired_and_settled, forged_and_settled)


@pytest.mark.parametrize(("left", "result"), [(-1, EXPIRED), (0, SETTLED), (1, SETTLED)])
def test_forecast_outcomes__around_a_deadline__count_up_to_that_second(
    embedded_chain: Chain, left: int, result: SettlementResult
) -> None:
    """On a chain that stands still between blocks, far ahead of this machine's clock."""
    world = World(embedded_chain)
    snapshot = world.take_snapshot()
    stage = Stage(world, RedemptionRule.HOLDER)
    world.mine_at(world.now + 10_000_000)
    signed = stage.sign(HOLDERS[0], 4, seconds=world.chain.read_time() + left - world.now)
    [outcome] = stage.forecast(signed)
    world.revert_to(snapshot)
    assert outcome.result is result


def test_forecast_outcomes__of_what_cannot_be_settled__is_refused_as_a_settlement_is(world: World) -> None:
    stage = Stage(world, RedemptionRule.HOLDER)
    with pytest.raises(NotRedeemer) as refused:
        forecast_outcomes(world.chain, stage.plan_id, [], redeemer=world.stranger.address)
    assert refused.value.caller == world.stranger.address
    with pytest.raises(InvalidAmount):
        stage.forecast(total(HOLDERS[0], 0))
    free = world.register(transferable=True)
    with pytest.raises(SettlementsNotAccepted) as unaccepted:
        forecast_outcomes(world.chain, free, [], redeemer=world.builder.address)
    assert unaccepted.value.plan_id == free
