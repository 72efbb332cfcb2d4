"""Settlement: a holder signs what requests cost, a redeemer checks it and puts many vouchers on chain in one transaction."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, Hash32

from nvm_chain.enums import RedemptionRule, SettlementResult
from nvm_chain.errors import (
    InsufficientCredits,
    InvalidAddress,
    InvalidAmount,
    InvalidConfig,
    NotRedeemer,
    NvmChainError,
    SettlementsNotAccepted,
    UnknownPlan,
    VoucherAlreadySettled,
    VoucherExpired,
    VoucherMismatch,
    VoucherSignatureInvalid,
)
from nvm_chain.operations.credits import burn_credits, read_account, read_balance
from nvm_chain.operations.plans import set_redeemer
from nvm_chain.operations.settlement import settle_vouchers, sign_next_voucher
from nvm_chain.operations.voucher_checks import check_voucher
from nvm_chain.operations.wallets import WALLET_GAS
from nvm_chain.signing.vouchers import SignedVoucher, build_voucher, sign_voucher, voucher_digest
from nvm_chain.types.accounts import Account as CreditsAccount
from nvm_chain.types.accounts import HolderTotal, VoucherCheck
from nvm_chain.types.plans import RegisteredPlan
from nvm_chain.types.receipts import SettlementOutcome, SettlementReceipt
from tests.support.events import taken
from tests.support.plans import expiring, from_first_use, from_purchase, usage
from tests.support.reverts import reverts
from tests.support.world import World

Unchanged: TypeAlias = Callable[..., AbstractContextManager[None]]
SETTLED, SHORT, EXPIRED, ALREADY_SETTLED, NOT_SIGNED = SettlementResult
HOLDERS: list[LocalAccount] = [Account.from_key(f"0x{number:064x}") for number in range(0xA11CE, 0xA11CE + 8)]


@dataclass
class Counter:
    """A plan with a redeemer and some holders with 10 credits each, and the short ways of signing for it."""

    world: World
    plan_id: int

    def sign(
        self, holder: LocalAccount, ceiling: int, *, signer: LocalAccount | None = None, **changes: Any
    ) -> SignedVoucher:
        """Sign a voucher of a holder's for the redeemer, for an hour."""
        values: dict[str, Any] = {
            "redeemer": self.world.redeemer.address,
            "deadline": self.world.now + 3600,
            "context": b"request",
            **changes,
        }
        voucher = build_voucher(self.plan_id, holder=holder.address, ceiling=ceiling, **values)
        if signer is None:
            return sign_voucher(
                holder, voucher, chain_id=self.world.chain.chain_id, contract=self.world.credits.address
            )
        digest = voucher_digest(voucher, chain_id=self.world.chain.chain_id, contract=self.world.credits.address)
        return SignedVoucher(voucher, bytes(signer.unsafe_sign_hash(Hash32(digest)).signature))

    def settle(self, *items: SignedVoucher | HolderTotal, totals: list[int] | None = None) -> SettlementReceipt:
        """Settle as the redeemer."""
        return settle_vouchers(self.world.chain, self.world.redeemer, self.plan_id, items, totals=totals)

    def results(
        self, *items: SignedVoucher | HolderTotal, totals: list[int] | None = None
    ) -> list[tuple[int, SettlementResult]]:
        """Settle and return what each item brought and became."""
        return [(outcome.amount, outcome.result) for outcome in self.settle(*items, totals=totals).outcomes]

    def balance(self, holder: LocalAccount) -> int:
        """Return a holder's credits."""
        return read_balance(self.world.chain, self.plan_id, holder.address)


@pytest.fixture
def counter(world: World, plan: RegisteredPlan) -> Counter:
    """The plan, with the redeemer allowed and 10 credits for each holder."""
    set_redeemer(world.chain, world.builder, plan.plan_id, world.redeemer.address, True)
    amounts = [10] * len(HOLDERS)
    mint = world.credits.functions.mintBatch(plan.plan_id, [holder.address for holder in HOLDERS], amounts)
    world.send(world.builder, mint)
    return Counter(world, plan.plan_id)


# ---------------------------------------------------------------------- sign


def test_sign_next_voucher__of_request_after_request__adds_up(counter: Counter) -> None:
    world, holder = counter.world, HOLDERS[0]
    last, vouchers = 0, []
    for cost in (2, 3, 1):
        signed = sign_next_voucher(
            world.chain,
            holder,
            counter.plan_id,
            redeemer=world.redeemer.address,
            cost=cost,
            last_ceiling=last,
            context=f"r{cost}",
        )
        last = signed.voucher.ceiling
        vouchers.append(SignedVoucher.from_json(signed.to_json()))
    assert [signed.voucher.ceiling for signed in vouchers] == [2, 5, 6]
    assert vouchers[-1].voucher.context == b"r1".ljust(32, b"\0")
    assert 3600 - 5 <= vouchers[-1].voucher.deadline - world.chain.read_time() <= 3600
    assert counter.results(vouchers[-1]) == [(6, SETTLED)]  # the last stands for all
    assert counter.results(*vouchers) == [(0, ALREADY_SETTLED)] * 3


@pytest.mark.parametrize(("last", "expected"), [(0, 9), (3, 9), (4, 9), (5, 10)])
def test_sign_next_voucher__after_a_settlement__starts_from_the_higher_count(
    counter: Counter, last: int, expected: int
) -> None:
    world, holder = counter.world, HOLDERS[0]
    counter.settle(counter.sign(holder, 4))
    signed = sign_next_voucher(
        world.chain, holder, counter.plan_id, redeemer=world.redeemer.address, cost=5, last_ceiling=last
    )
    assert signed.voucher.ceiling == expected


@pytest.mark.parametrize("cost", [0, -1, 2**64])
def test_sign_next_voucher__of_no_cost__is_refused(counter: Counter, cost: int) -> None:
    with reverts(InvalidAmount(f"cost {cost}", f"must be from 1 to {2**64 - 1}")):
        sign_next_voucher(
            counter.world.chain, HOLDERS[0], counter.plan_id, redeemer=counter.world.redeemer.address, cost=cost
        )


# ---------------------------------------------------------------------- check


@pytest.mark.parametrize(("ceiling", "available"), [(1, 1), (9, 9), (10, 10), (11, 10), (2**64 - 1, 10)])
def test_check_voucher__of_a_good_voucher__tells_what_it_would_bring(
    counter: Counter, requests_made: list[str], ceiling: int, available: int
) -> None:
    signed = counter.sign(HOLDERS[0], ceiling)
    requests_made.clear()
    check = check_voucher(counter.world.chain, signed, redeemer=counter.world.redeemer.address.lower())
    assert len(requests_made) == 1
    assert (check, check.available) == (VoucherCheck(10, 0, ceiling), available)
    counter.settle(signed)
    assert counter.balance(HOLDERS[0]) == 10 - available


def test_check_voucher__for_the_plan_owner__is_good(counter: Counter) -> None:
    signed = counter.sign(HOLDERS[0], 3, redeemer=counter.world.builder.address)
    assert check_voucher(counter.world.chain, signed).available == 3
    receipt = settle_vouchers(counter.world.chain, counter.world.builder, counter.plan_id, [signed])
    assert receipt.credits == 3


def refuses(counter: Counter, error: NvmChainError, signed: SignedVoucher, redeemer: str | None = None) -> None:
    """Check a voucher and expect an error."""
    with reverts(error):
        check_voucher(counter.world.chain, signed, redeemer=redeemer)


def test_check_voucher__of_an_unknown_plan__is_refused(counter: Counter) -> None:
    refuses(replace(counter, plan_id=7), UnknownPlan(7), replace(counter, plan_id=7).sign(HOLDERS[0], 1))


@pytest.mark.parametrize(
    "terms",
    [{"transferable": True}, from_purchase(60), from_first_use(60), usage()],
    ids=["moves", "time", "use", "usage"],
)
def test_check_voucher__of_a_plan_that_takes_none__is_refused(counter: Counter, terms: dict[str, Any]) -> None:
    other = replace(counter, plan_id=counter.world.register(**terms))
    set_redeemer(counter.world.chain, counter.world.builder, other.plan_id, counter.world.redeemer.address, True)
    signed = other.sign(HOLDERS[0], 1)
    refuses(counter, SettlementsNotAccepted(other.plan_id), signed)
    with reverts(SettlementsNotAccepted(other.plan_id)):
        other.settle(signed)


def test_check_voucher__for_another_redeemer__is_refused(counter: Counter) -> None:
    redeemer, stranger = counter.world.redeemer.address, counter.world.stranger.address
    refuses(counter, VoucherMismatch("redeemer", stranger, redeemer), counter.sign(HOLDERS[0], 1), stranger)


def test_check_voucher__for_a_redeemer_who_is_not_allowed_any_more__is_refused(counter: Counter) -> None:
    world, signed = counter.world, counter.sign(HOLDERS[0], 1)
    set_redeemer(world.chain, world.builder, counter.plan_id, world.redeemer.address, False)
    refuses(counter, NotRedeemer(counter.plan_id, world.redeemer.address), signed)
    with reverts(NotRedeemer(counter.plan_id, world.redeemer.address)):
        counter.settle(signed)


@pytest.mark.parametrize(("late", "counts"), [(-1, True), (0, True), (1, False)])
def test_check_voucher__around_its_deadline__counts_up_to_that_second(
    counter: Counter, late: int, counts: bool
) -> None:
    deadline = max(counter.world.now, int(time.time())) + 1000  # both clocks are asked, and the chain's may be behind
    signed = counter.sign(HOLDERS[0], 1, deadline=deadline)
    counter.world.mine_at(deadline + late)
    if counts:
        assert check_voucher(counter.world.chain, signed).available == 1
    else:
        refuses(counter, VoucherExpired(deadline, deadline + late), signed)


@pytest.mark.parametrize("change", [{"ceiling": 2}, {"context": b"\1" * 32}, {"deadline": 2**64 - 1}])
def test_check_voucher__that_was_tampered_with__is_refused(counter: Counter, change: dict[str, Any]) -> None:
    world, signed = counter.world, counter.sign(HOLDERS[0], 1)
    forged = replace(signed, voucher=replace(signed.voucher, **change))
    digest = voucher_digest(forged.voucher, chain_id=world.chain.chain_id, contract=world.credits.address)
    signer = Account._recover_hash(digest, signature=signed.signature)
    refuses(counter, VoucherSignatureInvalid(HOLDERS[0].address, signer), forged)
    assert counter.results(forged) == [(0, NOT_SIGNED)]


@pytest.mark.parametrize("ceiling", [3, 4])
def test_check_voucher__that_is_already_settled__is_refused(counter: Counter, ceiling: int) -> None:
    counter.settle(counter.sign(HOLDERS[0], 4))
    refuses(counter, VoucherAlreadySettled(ceiling, 4), counter.sign(HOLDERS[0], ceiling))
    assert check_voucher(counter.world.chain, counter.sign(HOLDERS[0], 5)) == VoucherCheck(6, 4, 5)


def test_check_voucher__of_a_holder_without_credits__is_refused(counter: Counter) -> None:
    world, holder = counter.world, HOLDERS[0]
    world.chain.send_data(world.stranger, "0x", holder.address, value=10**18)
    signed = counter.sign(holder, 4)
    burn_credits(world.chain, holder, counter.plan_id, 10)
    refuses(counter, InsufficientCredits(counter.plan_id, holder.address, 0, 4), signed)


# ---------------------------------------------------------------------- settle


def test_settle_vouchers__of_a_mixed_batch__tells_what_became_of_each_in_order(counter: Counter) -> None:
    world = counter.world
    first, second, third, empty, expired, used, forged, last = HOLDERS
    burnt = world.credits.functions.burn(counter.plan_id, empty.address, 10)
    world.chain.send_data(world.stranger, "0x", empty.address, value=10**18)
    world.send(empty, burnt)
    counter.settle(counter.sign(used, 2))
    batch = [
        counter.sign(first, 4),
        counter.sign(second, 11),
        counter.sign(expired, 1, deadline=world.now - 1),
        counter.sign(empty, 5),
        counter.sign(third, 10),
        counter.sign(used, 2),
        counter.sign(forged, 1, signer=first),
        counter.sign(first, 4),
        counter.sign(first, 6),
        counter.sign(second, 12),
        counter.sign(last, 1),
        counter.sign(used, 5),
    ]
    receipt = counter.settle(*batch)
    assert receipt == SettlementReceipt(
        plan_id=counter.plan_id,
        redeemer=world.redeemer.address,
        outcomes=(
            SettlementOutcome(first.address, 4, SETTLED),
            SettlementOutcome(second.address, 10, SHORT),
            SettlementOutcome(expired.address, 0, EXPIRED),
            SettlementOutcome(empty.address, 0, SHORT),
            SettlementOutcome(third.address, 10, SETTLED),
            SettlementOutcome(used.address, 0, ALREADY_SETTLED),
            SettlementOutcome(forged.address, 0, NOT_SIGNED),
            SettlementOutcome(first.address, 0, ALREADY_SETTLED),
            SettlementOutcome(first.address, 2, SETTLED),
            SettlementOutcome(second.address, 0, SHORT),
            SettlementOutcome(last.address, 1, SETTLED),
            SettlementOutcome(used.address, 3, SETTLED),
        ),
        transaction=receipt.transaction,
    )
    assert receipt.credits == 30
    assert [counter.balance(holder) for holder in HOLDERS] == [4, 0, 0, 0, 10, 5, 10, 9]


def test_settle_vouchers__whose_outcomes_the_contract_returns__tells_the_same(counter: Counter) -> None:
    world = counter.world
    batch = [
        counter.sign(HOLDERS[number % 3], ceiling) for number, ceiling in enumerate((3, 12, 10, 2, 12, 99, 5, 10, 11))
    ]
    items = [
        (
            item.voucher.holder,
            min(7, item.voucher.ceiling),
            item.voucher.ceiling,
            item.voucher.context,
            item.voucher.deadline,
            item.signature,
        )
        for item in batch
    ]
    function = world.credits.functions.settle(counter.plan_id, items)
    returned = world.read(function, sender=world.redeemer.address)
    assert [(amount, int(result)) for amount, result in counter.results(*batch, totals=[7] * 9)] == [
        tuple(outcome) for outcome in returned
    ]


def test_settle_vouchers__again__is_safe(counter: Counter) -> None:
    batch = [counter.sign(holder, 3) for holder in HOLDERS[:3]]
    assert counter.results(*batch) == [(3, SETTLED)] * 3
    assert counter.results(*batch, *batch) == [(0, ALREADY_SETTLED)] * 6
    assert [counter.balance(holder) for holder in HOLDERS[:3]] == [7, 7, 7]
    assert read_account(counter.world.chain, counter.plan_id, HOLDERS[0].address) == CreditsAccount(7, 3, 0, False)


def test_settle_vouchers__with_totals__brings_the_count_up_to_each_and_never_above_the_ceiling(
    counter: Counter,
) -> None:
    signed = counter.sign(HOLDERS[0], 9)
    assert counter.results(signed, totals=[2]) == [(2, SETTLED)]
    assert counter.results(signed, totals=[2]) == [(0, ALREADY_SETTLED)]
    assert counter.results(signed, signed, totals=[3, 5]) == [(1, SETTLED), (2, SETTLED)]
    assert counter.results(signed, totals=[4]) == [(0, ALREADY_SETTLED)]
    assert counter.results(signed, totals=[2**64 - 1]) == [(4, SETTLED)]
    assert read_account(counter.world.chain, counter.plan_id, HOLDERS[0].address).settled == 9


def test_settle_vouchers__two_of_one_holder_in_a_batch__reach_the_higher_ceiling_in_any_order(counter: Counter) -> None:
    """Ceilings are totals: two vouchers of one holder do not add up."""
    first, second = HOLDERS[:2]
    batch = [counter.sign(first, 3), counter.sign(first, 7), counter.sign(second, 7), counter.sign(second, 3)]
    assert counter.results(*batch) == [(3, SETTLED), (4, SETTLED), (7, SETTLED), (0, ALREADY_SETTLED)]
    assert [counter.balance(holder) for holder in (first, second)] == [3, 3]


def test_settle_vouchers__again_after_new_credits_came__takes_what_was_short_and_no_more(counter: Counter) -> None:
    """A batch may be sent again, whole or in part: what it asks for is a total."""
    batch = [counter.sign(HOLDERS[0], 12), counter.sign(HOLDERS[1], 4)]
    assert counter.results(*batch, totals=[12, 3]) == [(10, SHORT), (3, SETTLED)]
    counter.world.grant(counter.plan_id, HOLDERS[0].address, 10)
    assert counter.results(*batch, totals=[12, 3]) == [(2, SETTLED), (0, ALREADY_SETTLED)]
    assert counter.results(*batch, totals=[12, 3]) == [(0, ALREADY_SETTLED)] * 2
    assert [counter.balance(holder) for holder in HOLDERS[:2]] == [8, 7]


def test_settle_vouchers__twice_the_same_amount_of_one_holder__tells_them_apart(counter: Counter) -> None:
    """A settled voucher followed by one that was short by the same number of credits."""
    first, second = counter.sign(HOLDERS[0], 5), counter.sign(HOLDERS[0], 12)
    assert counter.results(first, second) == [(5, SETTLED), (5, SHORT)]


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle_vouchers__under_each_rule__is_the_holders_word(world: World, rule: RedemptionRule) -> None:
    plan_id = world.register(rule=rule)
    set_redeemer(world.chain, world.builder, plan_id, world.redeemer.address, True)
    world.grant(plan_id, HOLDERS[0].address, 10)
    counter = Counter(world, plan_id)
    assert counter.results(counter.sign(HOLDERS[0], 40), totals=[4]) == [(4, SETTLED)]


# ---------------------------------------------------------------------- without a voucher


def ruled(world: World, rule: RedemptionRule) -> Counter:
    """Return a plan of a rule, with the redeemer allowed and 10 credits for each holder."""
    plan_id = world.register(rule=rule)
    set_redeemer(world.chain, world.builder, plan_id, world.redeemer.address, True)
    for holder in HOLDERS[:3]:
        world.grant(plan_id, holder.address, 10)
    return Counter(world, plan_id)


@pytest.mark.parametrize("rule", [RedemptionRule.REDEEMER, RedemptionRule.OWNER])
def test_settle_vouchers__of_totals_where_the_rule_names_the_signer__needs_no_signature(
    world: World, rule: RedemptionRule
) -> None:
    counter = ruled(world, rule)
    first, second, third = HOLDERS[:3]
    batch: list[SignedVoucher | HolderTotal] = [
        HolderTotal(first.address.lower(), 4),
        counter.sign(second, 3),
        HolderTotal(third.address, 11),
    ]
    receipt = counter.settle(*batch)
    assert receipt.outcomes == (
        SettlementOutcome(first.address, 4, SETTLED),
        SettlementOutcome(second.address, 3, SETTLED),
        SettlementOutcome(third.address, 10, SHORT),
    )
    assert counter.results(*batch) == [(0, ALREADY_SETTLED), (0, ALREADY_SETTLED), (0, SHORT)]
    assert read_account(world.chain, counter.plan_id, first.address) == CreditsAccount(6, 4, 0, False)


def test_settle_vouchers__with_and_without_voucher_of_one_holder__share_one_count(world: World) -> None:
    """What is settled without signature counts towards the ceilings of vouchers, and the other way round."""
    counter, holder = ruled(world, RedemptionRule.REDEEMER), HOLDERS[0]
    assert counter.results(HolderTotal(holder.address, 4), counter.sign(holder, 4)) == [
        (4, SETTLED),
        (0, ALREADY_SETTLED),
    ]
    assert counter.results(counter.sign(holder, 6), HolderTotal(holder.address, 6)) == [
        (2, SETTLED),
        (0, ALREADY_SETTLED),
    ]
    refuses(counter, VoucherAlreadySettled(5, 6), counter.sign(holder, 5))


def test_settle_vouchers__of_a_total_with_a_lower_one_beside__takes_the_lower(world: World) -> None:
    counter, item = ruled(world, RedemptionRule.OWNER), HolderTotal(HOLDERS[0].address, 5)
    assert [counter.results(item, totals=[total]) for total in (2, 9)] == [[(2, SETTLED)], [(3, SETTLED)]]


@pytest.mark.parametrize(
    ("rule", "role"),
    [(RedemptionRule.HOLDER, "redeemer"), (RedemptionRule.HOLDER, "builder"), (RedemptionRule.REDEEMER, "builder")],
)
def test_settle_vouchers__of_a_total_where_the_rule_does_not_name_the_signer__is_not_signed(
    world: World, rule: RedemptionRule, role: str
) -> None:
    """It harms no other item, and is told as what it lacks."""
    counter, signer = ruled(world, rule), getattr(world, role)
    batch: list[SignedVoucher | HolderTotal] = [
        HolderTotal(HOLDERS[0].address, 4),
        counter.sign(HOLDERS[1], 3, redeemer=signer.address),
    ]
    receipt = settle_vouchers(world.chain, signer, counter.plan_id, batch)
    assert [(outcome.amount, outcome.result) for outcome in receipt.outcomes] == [(0, NOT_SIGNED), (3, SETTLED)]
    assert counter.balance(HOLDERS[0]) == 10


def test_settle_vouchers__of_the_signers_own_credits__needs_no_signature(world: World) -> None:
    counter = ruled(world, RedemptionRule.HOLDER)
    world.grant(counter.plan_id, world.redeemer.address, 10)
    assert counter.results(HolderTotal(world.redeemer.address, 2)) == [(2, SETTLED)]


@pytest.mark.parametrize("rule", list(RedemptionRule))
def test_settle_vouchers__of_a_voucher_whose_signature_is_empty__is_refused(world: World, rule: RedemptionRule) -> None:
    """The contract takes an item without signature for one that needs none: anybody could name another holder in it."""
    counter = ruled(world, rule)
    bare = SignedVoucher(counter.sign(HOLDERS[0], 4).voucher, b"")
    with reverts(VoucherSignatureInvalid(HOLDERS[0].address, None)):
        counter.settle(counter.sign(HOLDERS[1], 2), bare)
    assert [counter.balance(holder) for holder in HOLDERS[:2]] == [10, 10]


def test_settle_vouchers__of_a_wallet_that_takes_an_empty_signature__is_as_the_wallet_says(counter: Counter) -> None:
    world = counter.world
    wallet = world.deploy("EvilWallet")  # says yes to everything
    world.grant(counter.plan_id, wallet.address, 10)
    holder: Any = type("Wallet", (), {"address": wallet.address})
    signed = SignedVoucher(counter.sign(holder, 4, signer=world.other).voucher, b"")
    assert counter.results(signed) == [(4, SETTLED)]


def test_settle_vouchers__of_an_expiring_plan__takes_live_credits_only(world: World) -> None:
    plan_id = world.register(**expiring(1000, credits=10))
    set_redeemer(world.chain, world.builder, plan_id, world.redeemer.address, True)
    counter = Counter(world, plan_id)
    world.order(plan_id, receiver=HOLDERS[0].address)
    world.mine_at(world.now + 600)
    world.order(plan_id, receiver=HOLDERS[0].address)
    signed = counter.sign(HOLDERS[0], 40, deadline=world.now + 10_000)
    assert counter.results(signed, totals=[3]) == [(3, SETTLED)]
    world.mine_at(world.now + 500)
    assert counter.results(signed) == [(10, SHORT)]
    assert read_account(world.chain, plan_id, HOLDERS[0].address) == CreditsAccount(0, 13, 0, False)


# ---------------------------------------------------------------------- what is not sent


@pytest.fixture
def unsent(counter: Counter, unchanged: Unchanged) -> Callable[..., None]:
    """Settle, expect an error, and insist that nothing was sent."""

    def unsent(error: NvmChainError, *items: SignedVoucher | HolderTotal, totals: Any = None) -> None:
        with unchanged(counter.world.redeemer, *HOLDERS, plan_ids=[counter.plan_id]), reverts(error):
            counter.settle(*items, totals=totals)

    return unsent


def test_settle_vouchers__of_nothing__is_refused(unsent: Callable[..., None]) -> None:
    unsent(InvalidConfig("a settlement without items settles nothing"))


@pytest.mark.parametrize("totals", [[], [1], [1, 1, 1]])
def test_settle_vouchers__with_another_number_of_totals__is_refused(
    counter: Counter, unsent: Callable[..., None], totals: list[int]
) -> None:
    problem = (f"there are 2 items and {len(totals)} totals", "give one for each")
    batch = [counter.sign(holder, 3) for holder in HOLDERS[:2]]
    unsent(InvalidConfig(*problem), *batch, totals=totals)


@pytest.mark.parametrize("total", [0, -1, 2**64])
def test_settle_vouchers__with_a_total_out_of_range__is_refused(
    counter: Counter, unsent: Callable[..., None], total: int
) -> None:
    error = InvalidAmount(f"total {total}", f"must be from 1 to {2**64 - 1}")
    unsent(error, counter.sign(HOLDERS[0], 3), totals=[total])
    unsent(error, HolderTotal(HOLDERS[0].address, total))


def test_settle_vouchers__of_a_total_of_nobody__is_refused(unsent: Callable[..., None]) -> None:
    unsent(InvalidAddress("holder address", "0x12", "is not 0x and 40 hexadecimal digits"), HolderTotal("0x12", 3))


def test_settle_vouchers__with_one_of_another_plan_or_redeemer__is_refused(
    counter: Counter, unsent: Callable[..., None]
) -> None:
    world, good = counter.world, counter.sign(HOLDERS[0], 3)
    elsewhere = replace(counter, plan_id=7).sign(HOLDERS[1], 3)
    unsent(VoucherMismatch("plan id", str(counter.plan_id), "7"), good, elsewhere)
    another = counter.sign(HOLDERS[1], 3, redeemer=world.stranger.address)
    unsent(VoucherMismatch("redeemer", world.redeemer.address, world.stranger.address), good, another)


def test_settle_vouchers__by_a_stranger__is_refused(counter: Counter) -> None:
    world = counter.world
    signed = counter.sign(HOLDERS[0], 3, redeemer=world.stranger.address)
    with reverts(NotRedeemer(counter.plan_id, world.stranger.address)):
        settle_vouchers(world.chain, world.stranger, counter.plan_id, [signed])


# ---------------------------------------------------------------------- contract wallets


@pytest.mark.parametrize(("name", "key", "expected"), [
    ("SmartWallet", "stranger", (4, SETTLED)),
    ("SmartWallet", "other", (0, NOT_SIGNED)),
    ("EvilWallet", "other", (4, SETTLED)),
])  # fmt: skip
def test_settle_vouchers__of_a_contract_wallet__is_as_the_wallet_says(
    counter: Counter, name: str, key: str, expected: tuple[int, SettlementResult]
) -> None:
    world = counter.world
    wallet: ChecksumAddress = world.deploy(name, *([world.stranger.address] if name == "SmartWallet" else [])).address
    world.grant(counter.plan_id, wallet, 10)
    holder: Any = type("Wallet", (), {"address": wallet})
    signed = counter.sign(holder, 4, signer=getattr(world, key))
    if expected[0]:
        assert check_voucher(world.chain, signed).available == 4
    else:
        refuses(counter, VoucherSignatureInvalid(wallet, getattr(world, key).address), signed)
    assert counter.results(counter.sign(HOLDERS[0], 2), signed, counter.sign(HOLDERS[1], 2)) == [
        (2, SETTLED),
        expected,
        (2, SETTLED),
    ]


@pytest.mark.parametrize("answer", range(1, 7))
def test_settle_vouchers__of_a_wallet_that_misbehaves__harms_no_other(counter: Counter, answer: int) -> None:
    world = counter.world
    wallet = world.deploy("EvilWallet")
    world.grant(counter.plan_id, wallet.address, 10)
    holder: Any = type("Wallet", (), {"address": wallet.address})
    signed = counter.sign(holder, 4, signer=world.other)
    world.send(world.stranger, wallet.functions.setAnswer(answer))
    refuses(counter, VoucherSignatureInvalid(wallet.address, world.other.address), signed)
    batch = [counter.sign(HOLDERS[0], 2), signed, counter.sign(HOLDERS[1], 2)]
    assert counter.results(*batch) == [(2, SETTLED), (0, NOT_SIGNED), (2, SETTLED)]


def test_settle_vouchers__events__are_one_burn_for_each_voucher_that_brought_something(counter: Counter) -> None:
    world = counter.world
    receipt = counter.settle(counter.sign(HOLDERS[0], 4), counter.sign(HOLDERS[1], 12))
    mined = world.chain.web3.eth.get_transaction_receipt(receipt.transaction.hash)  # type: ignore[arg-type]
    redeemer, plan_id = world.redeemer.address, counter.plan_id
    assert world.events(mined) == [
        taken(redeemer, HOLDERS[0].address, plan_id, 4),
        taken(redeemer, HOLDERS[1].address, plan_id, 10),
        ("NotFullySettled", {"planId": plan_id, "holder": HOLDERS[1].address, "amount": 10, "result": 1}),
        ("Settled", {"planId": plan_id, "redeemer": redeemer, "count": 2, "credits": 14}),
    ]


def test_wallet_gas__is_what_the_contract_gives(world: World) -> None:
    assert world.read(world.credits.functions.ISOLATED_GAS()) == WALLET_GAS


def _gas_limit(counter: Counter, receipt: SettlementReceipt) -> int:
    return int(counter.world.chain.read_sent_transaction(receipt.transaction.hash)["gas"])


def test_settle_vouchers__with_many_that_nobody_signed__brings_the_good_one(counter: Counter) -> None:
    """A forged voucher of an account without code costs no wallet's gas, so no number of them fills a transaction."""
    forged = [counter.sign(HOLDERS[1 + number % 7], 1, signer=counter.world.stranger) for number in range(90)]
    receipt = counter.settle(*forged, counter.sign(HOLDERS[0], 2))
    assert [outcome.result for outcome in receipt.outcomes] == [NOT_SIGNED] * 90 + [SETTLED]
    assert _gas_limit(counter, receipt) < 90 * WALLET_GAS


@pytest.mark.parametrize("wallets", [1, 2, 90])
def test_settle_vouchers__of_wallets__have_gas_to_answer_otherwise(counter: Counter, wallets: int) -> None:
    """A wallet can say yes at once when it is asked what it takes, and use all its gas when it counts."""
    world = counter.world
    wallet = world.deploy("SmartWallet", world.stranger.address).address
    voucher = build_voucher(
        counter.plan_id, holder=wallet, redeemer=world.redeemer.address, ceiling=1, deadline=world.now + 3600
    )
    digest = voucher_digest(voucher, chain_id=world.chain.chain_id, contract=world.credits.address)
    signed = SignedVoucher(voucher, bytes(world.stranger.unsafe_sign_hash(Hash32(digest)).signature))
    receipt = counter.settle(*[signed] * wallets, counter.sign(HOLDERS[0], 2))
    assert receipt.outcomes[-1].result is SETTLED
    assert min(wallets * WALLET_GAS, 2**24) <= _gas_limit(counter, receipt) <= 2**24
