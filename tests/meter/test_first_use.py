"""Access on first use: a sign-in says how many periods the seller may open, and one durable job opens them (S2, S3, S9, S11)."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as change

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    AccessNotOpened,
    AccessOpening,
    InvalidConfig,
    NotRedeemer,
    OnlyHolderOpens,
    PeriodsNotStated,
    WindowClosed,
)
from nvm_chain.meter.authorities import Authority
from nvm_chain.meter.openings import FirstUseCase, OpeningState, Stated, find_refusal_to_open
from nvm_chain.meter.operating import build_settler, find_keys, open_books, read_status
from nvm_chain.meter.settling.first_use import NO_PERIODS, OTHER_WINDOW, FirstUses, list_pending
from nvm_chain.meter.settling.gas import GAS_OF_OPENING
from nvm_chain.meter.settling.opening_transactions import OpeningSigner, build_call, index_openings
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.settling.stuck import replace_stuck
from nvm_chain.meter.store.account_changes import RevokeAuthority
from nvm_chain.meter.store.group_rows import StoredHold
from nvm_chain.meter.store.openings import EndOpening, read_wanted
from nvm_chain.meter.store.restoring import note_restore
from nvm_chain.meter.store.settlements import SettledItem, SettlementState, note_outcomes, read_open
from nvm_chain.meter.store.verifying import verify_books
from nvm_chain.meter.store.window_changes import SeeWindow
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.verifying import verify_meter
from nvm_chain.meter.windows import FirstUse, WindowAccount, WindowView
from nvm_chain.operations.credits import read_access_until, read_balance, redeem_credits
from tests.meter.first_use_shop import DAY, PERIODS, FirstUseShop, open_first_use_shop
from tests.support.accounts import HOLDER
from tests.support.anvil import open_anvil, run_anvil
from tests.support.index_worlds import IndexWorld
from tests.support.meter_stores import run
from tests.support.world import World

WANTED, DONE, RETURNED = OpeningState


@pytest.fixture
def shop(world: World, tmp_path: Path, empty_url: str) -> Iterator[FirstUseShop]:
    """A shop with books in a file, and in PostgreSQL. After the test, the sums of the books are right (S10)."""
    with open_first_use_shop(world, tmp_path, empty_url) as made:
        yield made
        assert made.writer.run(verify_books) == []


@pytest.fixture
def forking(tmp_path: Path, empty_url: str) -> Iterator[tuple[FirstUseShop, IndexWorld]]:
    """A shop on an anvil of its own, whose blocks can be replaced."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        with open_first_use_shop(world, tmp_path, empty_url) as made:
            yield made, IndexWorld(world, url)
            assert made.writer.run(verify_books) == []


def left(shop: FirstUseShop) -> int:
    """Return how many unopened periods the subscriber has on the chain."""
    return read_balance(shop.world.chain, shop.plan_id, shop.world.subscriber.address)


def end_window(shop: FirstUseShop) -> None:
    """Let the access of the subscriber end."""
    until = read_access_until(shop.world.chain, shop.plan_id, shop.world.subscriber.address)
    shop.world.mine_at(until)
    shop.feed()


# ---------------------------------------------------------------------- from the request to the open window


def test_admit__on_first_use__is_refused_while_one_opening_is_stored_and_then_admitted(shop: FirstUseShop) -> None:
    signed = shop.sign_in(2)
    refused = shop.ask(signed)
    assert isinstance(refused, AccessOpening)
    assert refused.fields["retry_seconds"] == 15
    assert isinstance(shop.ask(signed), AccessOpening)
    (opening,) = shop.openings()
    assert (opening.seen, opening.periods, opening.authority_id, opening.state) == (
        0,
        1,
        signed.authority_id,
        WANTED,
    )
    assert shop.opened(signed) == 1
    (opened,) = shop.settle()
    assert opened.error is None
    assert shop.settle() == []
    assert [each.state for each in shop.openings()] == [WANTED]  # the books do not know yet
    assert isinstance(shop.ask(signed), AccessOpening)
    shop.feed()
    assert isinstance(shop.ask(signed), StoredHold)
    assert shop.settle() == []
    assert [each.state for each in shop.openings()] == [DONE]
    assert (left(shop), shop.window().least_until) == (PERIODS - 1, shop.world.now + DAY)


def test_settle__of_an_opening__names_the_sign_in_on_the_chain_and_needs_the_gas_that_is_told(
    shop: FirstUseShop,
) -> None:
    shop.ask(shop.sign_in(1))
    (pending,) = shop.settler().look().openings
    assert (pending.is_sent, pending.gas) == (False, GAS_OF_OPENING)
    (opened,) = shop.settle()
    assert opened.receipt is not None
    receipt = shop.world.chain.read_mined(opened.receipt.hash)
    (event,) = shop.world.chain.read_events(shop.world.chain.credits, "Redeemed", receipt)
    assert event["args"]["context"] == shop.openings()[0].context
    assert event["args"]["redeemer"] == shop.world.redeemer.address
    assert abs(receipt["gasUsed"] - GAS_OF_OPENING) <= 200
    assert [each.is_sent for each in list_pending(shop.writer)] == [True]


def test_admit__after_the_opened_window_has_ended__opens_the_next_as_long_as_the_sign_in_lets_it(
    shop: FirstUseShop,
) -> None:
    signed = shop.sign_in(2, seconds=30 * DAY)
    for number in (1, 2):
        assert isinstance(shop.ask(signed), AccessOpening)
        assert len(shop.settle()) == 1
        shop.feed()
        assert isinstance(shop.ask(signed), StoredHold)
        assert (left(shop), shop.opened(signed)) == (PERIODS - number, number)
        end_window(shop)
    refused = shop.ask(signed)
    assert isinstance(refused, PeriodsNotStated)
    assert [refused.fields[name] for name in ("stated", "opened", "required")] == [2, 2, 1]
    assert shop.settle() == []
    assert isinstance(shop.ask(shop.sign_in(1)), AccessOpening)
    assert len({each.seen for each in shop.openings()}) == 3


def test_admit__for_several_holders__opens_the_window_of_each(shop: FirstUseShop) -> None:
    holders = (shop.world.subscriber, shop.world.other)
    signed = [shop.sign_in(1, holder) for holder in holders]
    assert [type(shop.ask(each)) for each in signed] == [AccessOpening, AccessOpening]
    assert [opened.error for opened in shop.settle()] == [None, None]
    shop.feed()
    assert [type(shop.ask(each)) for each in signed] == [StoredHold, StoredHold]


# ---------------------------------------------------------------------- what is not opened


def test_admit__under_a_sign_in_that_states_nothing__opens_nothing(shop: FirstUseShop) -> None:
    refused = shop.ask(shop.sign_in())
    assert isinstance(refused, PeriodsNotStated)
    assert (refused.fields["stated"], shop.openings(), shop.settle()) == (0, [], [])


@pytest.mark.parametrize("stated", [1, 2, 3])
def test_admit__where_one_opening_takes_two_periods__is_refused_for_less(
    world: World, tmp_path: Path, empty_url: str, stated: int
) -> None:
    with open_first_use_shop(world, tmp_path, empty_url, least=2) as shop:
        signed = shop.sign_in(stated, seconds=30 * DAY)
        if stated < 2:
            assert isinstance(shop.ask(signed), PeriodsNotStated)
            return
        assert isinstance(shop.ask(signed), AccessOpening)
        assert [opened.error for opened in shop.settle()] == [None]
        assert (left(shop), shop.opened(signed)) == (PERIODS - 2, 2)
        shop.feed()
        end_window(shop)
        assert isinstance(shop.ask(signed), PeriodsNotStated)


def test_admit__on_a_plan_with_the_rule_holder__says_that_the_holder_opens(
    world: World, tmp_path: Path, empty_url: str
) -> None:
    with open_first_use_shop(world, tmp_path, empty_url, rule=RedemptionRule.HOLDER) as shop:
        signed = shop.sign_in(5)
        refused = shop.ask(signed)
        assert isinstance(refused, OnlyHolderOpens)
        assert "`redeem_credits`" in str(refused)
        assert (shop.openings(), shop.settle()) == ([], [])
        redeem_credits(world.chain, world.subscriber, shop.plan_id, 1)
        shop.feed()
        assert isinstance(shop.ask(signed), StoredHold)


def test_admit__without_unopened_periods__is_refused_as_closed(shop: FirstUseShop) -> None:
    world = shop.world
    world.send(world.subscriber, world.credits.functions.burn(shop.plan_id, world.subscriber.address, PERIODS))
    shop.feed()
    assert isinstance(shop.ask(shop.sign_in(5)), WindowClosed)
    assert shop.openings() == []


def test_settle__after_the_periods_are_gone__gives_the_opening_back(shop: FirstUseShop) -> None:
    signed, world = shop.sign_in(1), shop.world
    shop.ask(signed)
    world.send(world.subscriber, world.credits.functions.burn(shop.plan_id, world.subscriber.address, PERIODS))
    (opened,) = shop.settle()
    assert isinstance(opened.error, AccessNotOpened)
    (opening,) = shop.openings()
    assert (opening.state, opening.reason, opening.signed, shop.opened(signed)) == (RETURNED, NO_PERIODS, 0, 0)
    refused = shop.ask(signed)  # the books do not know yet
    assert isinstance(refused, AccessNotOpened)
    assert 0 < refused.fields["retry_seconds"] <= 60
    world.grant(shop.plan_id, world.subscriber.address, 1)
    shop.feed()
    shop.writer.run(end_pauses)
    assert isinstance(shop.ask(signed), AccessOpening)
    assert [opened.error for opened in shop.settle()] == [None]
    assert (left(shop), shop.opened(signed)) == (0, 1)


def end_pauses(store: Any) -> None:
    """Let the pauses after openings that the chain refused be over."""
    with store.asking() as pen:
        pen.change("UPDATE openings SET paused_until = 1 WHERE paused_until > 0")


def date_back(store: Any) -> None:
    """Let all transactions be signed a while ago."""
    with store.asking() as pen:
        pen.change("UPDATE settlements SET signed_at = signed_at - 60")


def test_settle__without_permission__gives_the_opening_back_and_pays_no_gas(shop: FirstUseShop) -> None:
    signed, world = shop.sign_in(1), shop.world
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.redeemer.address, False))
    shop.ask(signed)
    (opened,) = shop.settle()
    assert isinstance(opened.error, AccessNotOpened)
    assert "RedeemNotAllowed" in str(opened.error)
    assert (shop.states(), shop.opened(signed), left(shop)) == ([], 0, PERIODS)


def test_settle__after_the_holder_has_opened__sends_nothing(shop: FirstUseShop) -> None:
    signed, world = shop.sign_in(1), shop.world
    shop.ask(signed)
    redeem_credits(world.chain, world.subscriber, shop.plan_id, 1)
    (opened,) = shop.settle()
    assert isinstance(opened.error, AccessNotOpened)
    assert [(each.state, each.reason) for each in shop.openings()] == [(RETURNED, OTHER_WINDOW)]
    assert (shop.states(), shop.opened(signed), left(shop)) == ([], 0, PERIODS - 1)
    shop.feed()
    assert isinstance(shop.ask(signed), StoredHold)


@pytest.mark.parametrize("how", ["revoked", "ended", "restored"])
def test_settle__after_the_sign_in_is_not_good_any_more__opens_nothing(shop: FirstUseShop, how: str) -> None:
    """S12: neither a revocation nor a restored backup lets an order be carried out that is older."""
    signed = shop.sign_in(1)
    shop.ask(signed)
    if how == "revoked":
        shop.writer.run(lambda store: run(store, RevokeAuthority(shop.key(), signed.authority_id)))
    elif how == "ended":
        shop.world.mine_at(signed.end + 1)
        shop.feed()
    else:
        shop.writer.run(note_restore)
    assert shop.settle() == []
    assert [each.state for each in shop.openings()] == [RETURNED]
    assert (shop.states(), shop.opened(signed), left(shop)) == ([], 0, PERIODS)


def test_settle__with_another_key_of_the_seller__leaves_the_opening_to_its_key(shop: FirstUseShop) -> None:
    shop.ask(shop.sign_in(1))
    world = shop.world
    other = FirstUses(world.chain, world.relayer, shop.writer, lambda: None)
    assert other.open() == []
    assert len(shop.settle()) == 1


# ---------------------------------------------------------------------- once


def test_admit__by_two_processes_at_once__stores_one_opening(world: World, tmp_path: Path, postgres_url: str) -> None:
    """S3: any number of requests under any number of sign-ins want one opening, and it takes from one of them."""
    with open_first_use_shop(world, tmp_path, postgres_url) as shop, open_books(postgres_url) as second:
        signed = [shop.sign_in(3) for _ in range(4)]
        outcomes, start = list[Any](), threading.Barrier(8)

        def ask(writer: Writer, authority: Authority) -> None:
            start.wait()
            for _ in range(5):
                outcomes.append(writer.run(partial(run, change=shop.build(authority))))

        threads = [
            threading.Thread(target=ask, args=(writer, each)) for each in signed for writer in (shop.writer, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {type(outcome) for outcome in outcomes} == {AccessOpening}
        assert (len(outcomes), len(shop.openings())) == (40, 1)
        assert sorted(shop.opened(each) for each in signed) == [0, 0, 0, 1]
        assert len(shop.settle()) == 1
        assert left(shop) == PERIODS - 1


def test_admit__in_one_group_with_the_view_that_undoes_an_opening__finds_the_opening(shop: FirstUseShop) -> None:
    """S9: else another opening would be put in its place, and its transaction be forgotten."""
    signed, other = shop.sign_in(1), shop.sign_in(1)
    shop.ask(signed)
    shop.settle()
    shop.feed()
    shop.settle()
    number = shop.window().past[-1].block_number
    undo = SeeWindow(shop.key(), (WindowView(number, 0, PERIODS),), 0, rolls_back=True)
    outcomes = shop.writer.run(lambda store: store.run([undo, shop.build(other)]))
    assert isinstance(outcomes[1], AccessOpening)
    (opening,) = shop.openings()
    assert (opening.state, opening.authority_id, opening.signed) == (WANTED, signed.authority_id, 1)
    assert (shop.opened(signed), shop.opened(other)) == (1, 0)
    assert (shop.settle(), len(shop.states())) == ([], 1)


class Stopped(Exception):
    """Stands for the end of a process."""


class Stopping(OpeningSigner):
    """A signer whose process ends between the journal and the sending."""

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> Any:
        """Sign, and end."""
        super().sign_transaction(transaction_dict)
        raise Stopped


def sign_only(shop: FirstUseShop) -> None:
    """Write a transaction of the only opening into the journal, as if the process was killed before it was sent."""
    (wanted,) = shop.writer.run(read_wanted)
    openings = index_openings(shop.world.chain, [wanted.opening])
    signer = Stopping(shop.world.redeemer, shop.writer, lambda: None, openings)
    with pytest.raises(Stopped):
        shop.world.chain.send_many(signer, [build_call(shop.world.chain, wanted.opening)])


def test_settle__after_a_kill_between_journal_and_sending__sends_the_same_bytes_once(shop: FirstUseShop) -> None:
    signed = shop.sign_in(3)
    shop.ask(signed)
    sign_only(shop)
    assert left(shop) == PERIODS
    assert shop.settle() == []
    assert (shop.states(), left(shop)) == ([SettlementState.OPEN], PERIODS - 1)
    assert shop.settle() == []
    assert (shop.states(), left(shop), shop.opened(signed)) == ([SettlementState.MINED], PERIODS - 1, 1)
    shop.feed()
    shop.settle()
    assert [each.state for each in shop.openings()] == [DONE]


def test_settle__of_an_opening_whose_fee_was_raised__opens_once(shop: FirstUseShop) -> None:
    """Both transactions are in the journal. They have one nonce, so one of them is mined."""
    signed, world = shop.sign_in(1), shop.world
    shop.ask(signed)
    sign_only(shop)
    known = shop.writer.run(read_open)
    assert replace_stuck(world.chain, world.redeemer, shop.writer, SettleRules(stuck_seconds=0), known, lambda: None)
    assert [each.opens_from for each in shop.writer.run(read_open)] == [0, 0]
    assert shop.settle() == []
    assert (sorted(shop.states()), left(shop)) == ([SettlementState.MINED, SettlementState.LOST], PERIODS - 1)
    shop.feed()
    assert (shop.settle(), left(shop), shop.opened(signed)) == ([], PERIODS - 1, 1)
    assert [each.state for each in shop.openings()] == [DONE]


def test_sign__a_second_transaction_for_an_opening__is_refused_before_it_can_be_sent(shop: FirstUseShop) -> None:
    shop.ask(shop.sign_in(3))
    (wanted,) = shop.writer.run(read_wanted)
    sign_only(shop)
    (again,) = shop.writer.run(read_wanted)
    for opening in (wanted.opening, again.opening):
        signer = OpeningSigner(
            shop.world.redeemer, shop.writer, lambda: None, index_openings(shop.world.chain, [opening])
        )
        with pytest.raises(AccessNotOpened):
            shop.world.chain.send_many(signer, [build_call(shop.world.chain, opening)])
    assert (len(shop.states()), left(shop)) == (1, PERIODS)


def test_sign__for_an_opening_that_was_given_back_meanwhile__is_refused(shop: FirstUseShop) -> None:
    signed = shop.sign_in(1)
    shop.ask(signed)
    (wanted,) = shop.writer.run(read_wanted)
    end = EndOpening(wanted.opening, RETURNED, "it was given back")
    for outcome in (RETURNED, RETURNED):  # the second time it changes nothing
        assert shop.writer.run(partial(run, change=end)).state is outcome
    openings = index_openings(shop.world.chain, [wanted.opening])
    signer = OpeningSigner(shop.world.redeemer, shop.writer, lambda: None, openings)
    with pytest.raises(AccessNotOpened):
        shop.world.chain.send_many(signer, [build_call(shop.world.chain, wanted.opening)])
    assert (shop.states(), shop.opened(signed), shop.settle()) == ([], 0, [])


def test_settle__while_the_lease_is_lost__sends_nothing(shop: FirstUseShop) -> None:
    shop.ask(shop.sign_in(1))

    def refuse() -> None:
        raise NotRedeemer(shop.plan_id, shop.world.redeemer.address)

    first_uses = FirstUses(shop.world.chain, shop.world.redeemer, shop.writer, refuse)
    assert [type(opened.error) for opened in first_uses.open()] == [NotRedeemer]
    assert (shop.states(), left(shop)) == ([], PERIODS)
    assert len(shop.settle()) == 1


# ---------------------------------------------------------------------- reorganizations


def test_settle__after_a_reorganization_undid_the_opening__sends_the_same_bytes_again(
    forking: tuple[FirstUseShop, IndexWorld],
) -> None:
    """S9: one order opens access once on whatever chain there is."""
    shop, fork = forking
    signed = shop.sign_in(1)
    shop.ask(signed)
    shop.settle()
    shop.feed()
    shop.settle()
    assert [each.state for each in shop.openings()] == [DONE]
    fork.reorganize(1)
    assert left(shop) == PERIODS
    fork.mine(2)
    shop.feed()
    assert isinstance(shop.ask(signed), AccessOpening)
    assert ([each.state for each in shop.openings()], shop.opened(signed)) == ([WANTED], 1)
    assert shop.settle() == []  # the journal has its bytes, and the node gets them again
    fork.mine(1)
    shop.settle()
    shop.feed()
    assert isinstance(shop.ask(signed), StoredHold)
    shop.settle()
    assert ([each.state for each in shop.openings()], shop.states()) == ([DONE], [SettlementState.MINED])
    assert (left(shop), shop.opened(signed)) == (PERIODS - 1, 1)


def test_settle__after_a_reorganization_in_which_the_holder_opened__does_not_send_again(
    forking: tuple[FirstUseShop, IndexWorld],
) -> None:
    shop, fork = forking
    signed = shop.sign_in(1)
    shop.ask(signed)
    shop.settle()
    shop.feed()
    shop.settle()
    fork.reorganize(1)
    redeem_credits(shop.world.chain, shop.world.subscriber, shop.plan_id, 1)
    fork.mine(1)
    shop.feed()
    assert shop.settle() == []
    assert (shop.states(), left(shop)) == ([SettlementState.LOST], PERIODS - 1)
    assert isinstance(shop.ask(signed), StoredHold)
    fork.mine(70)
    shop.settle()
    assert (shop.states(), left(shop)) == ([SettlementState.GONE], PERIODS - 1)


def test_settle__of_a_transaction_that_is_gone_for_good__signs_another(
    forking: tuple[FirstUseShop, IndexWorld],
) -> None:
    """Another program took its nonce. Before that is final, a second transaction could open access twice."""
    shop, fork = forking
    signed = shop.sign_in(1)
    shop.ask(signed)
    sign_only(shop)
    world = shop.world
    world.send(world.redeemer, world.credits.functions.setApprovalForAll(world.other.address, True))
    assert shop.settle() == []
    assert shop.states() == [SettlementState.LOST]
    fork.mine(64)
    shop.feed()
    assert [opened.error for opened in shop.settle()] == [None]
    assert sorted(shop.states()) == [SettlementState.MINED, SettlementState.GONE]
    assert (left(shop), shop.opened(signed)) == (PERIODS - 1, 1)


def test_settle__after_a_revocation_with_a_lost_transaction__gives_nothing_back_before_that_is_final(
    forking: tuple[FirstUseShop, IndexWorld],
) -> None:
    """S2: a replaced block could still bring the transaction back, so its periods stay used."""
    shop, fork = forking
    signed, world = shop.sign_in(1), shop.world
    shop.ask(signed)
    sign_only(shop)
    world.send(world.redeemer, world.credits.functions.setApprovalForAll(world.other.address, True))
    shop.writer.run(lambda store: run(store, RevokeAuthority(shop.key(), signed.authority_id)))
    shop.settle()
    assert (shop.states(), shop.opened(signed)) == ([SettlementState.LOST], 1)
    fork.mine(64)
    assert shop.settle() == []
    assert (shop.opened(signed), [each.state for each in shop.openings()]) == (0, [RETURNED])


def test_find_refusal_to_open__of_a_window_that_is_not_deep_enough__says_that_access_is_being_opened() -> None:
    views = (WindowView(1, 0, 3), WindowView(9, 2_000, 2))
    for now, refusal in ((1_999, AccessOpening), (2_000, type(None))):
        case = FirstUseCase(WindowAccount(7, HOLDER, past=views), FirstUse(), Stated(1), None, now, now)
        assert isinstance(find_refusal_to_open(case), refusal)


def test_settle__of_a_transaction_that_reverted__gives_the_opening_back_when_that_is_final(
    forking: tuple[FirstUseShop, IndexWorld],
) -> None:
    shop, fork = forking
    signed = shop.sign_in(1)
    shop.ask(signed)
    sign_only(shop)
    world = shop.world
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.redeemer.address, False))
    shop.settle()
    shop.settle()
    assert (shop.states(), [each.state for each in shop.openings()]) == ([SettlementState.MINED], [WANTED])
    assert isinstance(shop.ask(signed), AccessOpening)
    fork.mine(64)
    shop.feed()
    shop.settle()
    assert (shop.opened(signed), [each.state for each in shop.openings()]) == (0, [RETURNED])
    assert left(shop) == PERIODS
    world.send(world.builder, world.credits.functions.setRedeemer(shop.plan_id, world.redeemer.address, True))
    shop.writer.run(end_pauses)
    shop.writer.run(date_back)
    assert isinstance(shop.ask(signed), AccessOpening)
    assert [opened.error for opened in shop.settle()] == [None]
    assert (left(shop), shop.opened(signed)) == (PERIODS - 1, 1)


def test_settle__when_books_are_opened_again__goes_on(world: World, tmp_path: Path) -> None:
    """The order is in the books before the request is refused, so a restart loses none."""
    where = str(tmp_path / "books.db")
    with open_first_use_shop(world, tmp_path, where) as shop:
        signed = shop.sign_in(1)
        shop.ask(signed)
        shop.writer.close()
        with open_books(where) as writer:
            again = replace(shop, writer=writer)
            assert [opened.error for opened in again.settle()] == [None]
            again.feed()
            assert isinstance(again.ask(signed), StoredHold)


# ---------------------------------------------------------------------- what the operator sees


def verify(shop: FirstUseShop) -> list[tuple[str, int, int]]:
    """Return what differs between the books and the index."""
    found = verify_meter(shop.writer, find_keys(shop.writer), shop.index, shop.world.chain)
    return [(each.what, each.by_books, each.by_entries) for each in found.differences]


def test_verify__of_openings__counts_what_the_journal_and_the_index_both_have(shop: FirstUseShop) -> None:
    shop.ask(shop.sign_in(1))
    assert verify(shop) == []
    shop.settle()
    shop.feed()
    for looks_up in (False, True):
        if looks_up:
            shop.settler().look_up()
        found = verify_meter(shop.writer, find_keys(shop.writer), shop.index, shop.world.chain)
        assert (found.differences, found.opened, found.taken) == ((), 1, 0)
    assert find_keys(shop.writer) == (shop.world.redeemer.address,)


def test_verify__after_a_key_opened_what_no_sign_in_let_it__names_the_holder(shop: FirstUseShop) -> None:
    """S11: our keys never take more than what the books say."""
    shop.ask(shop.sign_in(1))
    shop.settle()
    redeem_credits(shop.world.chain, shop.world.redeemer, shop.plan_id, 2, holder=shop.world.subscriber.address)
    shop.feed()
    assert verify(shop) == [("periods opened by the seller's keys", 1, 3)]


def test_verify__of_a_transaction_that_the_index_does_not_have__names_the_holder(shop: FirstUseShop) -> None:
    shop.ask(shop.sign_in(1))
    shop.settle()
    shop.feed()
    (transaction,) = shop.settler().look_up()
    item = SettledItem(transaction.items[0].holder, 1, taken=2, result=transaction.items[0].result)
    shop.writer.run(lambda store: note_outcomes(store, [change(transaction, items=(item,))]))
    assert verify(shop) == [("periods opened by the seller's keys", 2, 1)]


def spoil(shop: FirstUseShop, statement: str) -> None:
    """Run a statement on the books."""

    def write(store: Any) -> None:
        with store.asking() as pen:
            pen.change(statement)

    shop.writer.run(write)


def test_verify_books__after_a_sign_in_was_given_periods_by_hand__names_it(shop: FirstUseShop) -> None:
    signed = shop.sign_in(2)
    shop.ask(signed)
    spoil(shop, "UPDATE authorities SET opened = 2")
    (found,) = shop.writer.run(verify_books)
    assert (found.what, found.by_books, found.by_entries, found.authority_id) == (
        "periods for openings",
        2,
        1,
        signed.authority_id,
    )
    spoil(shop, "UPDATE authorities SET opened = 1")


def test_read_status__while_access_is_being_opened__shows_it(shop: FirstUseShop) -> None:
    assert read_status(shop.writer).openings == ()
    signed = shop.sign_in(1)
    shop.ask(signed)
    for is_sent in (False, True):
        (pending,) = read_status(shop.writer).openings
        assert (pending.opening.authority_id, pending.is_sent) == (signed.authority_id, is_sent)
        shop.settle()
    shop.feed()
    shop.settle()
    status = read_status(shop.writer, shop.world.chain)
    assert (status.openings, status.unseen, [each.opens_from for each in status.open_settlements]) == ((), 0, [0])


def test_build_settler__for_books_with_an_opening_only__opens_access(shop: FirstUseShop) -> None:
    chain, redeemer = shop.world.chain, shop.world.redeemer
    with pytest.raises(InvalidConfig):
        build_settler(chain, redeemer, shop.writer)
    shop.ask(shop.sign_in(1))
    told: list[Any] = []
    assert build_settler(chain, redeemer, shop.writer).settle(told.append) == []
    assert [opened.error for opened in told] == [None]
    assert left(shop) == PERIODS - 1
