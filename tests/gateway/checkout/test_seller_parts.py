"""Parts of the page of sellers that rarely occur: an index that is behind, a node that is away, failed settlements, losses, huge sums."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.enums import Activation, PlanKind, RedemptionRule, SettlementResult
from nvm_chain.errors import ConnectionFailed
from nvm_chain.gateway.checkout.cards import Cards, PlanCard
from nvm_chain.gateway.checkout.chain_desk import ChainDesk
from nvm_chain.gateway.pages import seller_cards
from nvm_chain.gateway.pages.checkout import name_plan
from nvm_chain.gateway.pages.seller_cards import read_seller_cards
from nvm_chain.gateway.pages.seller_overview import Overview, write_plan_name
from nvm_chain.gateway.pages.seller_settlements import write_outlook, write_settlements
from nvm_chain.gateway.sellers.charges import Charges
from nvm_chain.gateway.sellers.figures import Figures
from nvm_chain.gateway.sellers.periods import DAY, Period
from nvm_chain.gateway.sellers.sights import Sight
from nvm_chain.gateway.sellers.views import SellerView
from nvm_chain.index.chosen_plans import PlanSales
from nvm_chain.index.holder_pages import HolderCounts
from nvm_chain.index.results import RevenueLine
from nvm_chain.meter.settling.losses import Loss
from nvm_chain.meter.settling.outlooks import Hindrance, Outlook
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.plan_sums import PlanSums
from nvm_chain.meter.store.settlements import SettledItem, Settlement, SettlementState
from nvm_chain.types.addresses import ZERO_ADDRESS, format_address
from nvm_chain.types.events import Block
from nvm_chain.types.plans import Plan, Terms
from nvm_chain.types.prices import Split
from nvm_chain.types.token_labels import TokenLabel
from tests.gateway.checkout.mall import Seen

HEAD = Block(100, "0x" + "ab" * 32, 1_795_867_200)
OWNER, OTHER = format_address(b"\1" * 20), format_address(b"\2" * 20)
PLAN = 7


def build_plan(token: str = ZERO_ADDRESS) -> Plan:
    """Return a plan of 100 credits."""
    terms = Terms(
        kind=PlanKind.CREDITS,
        activation=Activation.ON_PURCHASE,
        token=token,  # type: ignore[arg-type]
        splits=(Split(OWNER, 5),),
        quoter=ZERO_ADDRESS,
        paid_externally=False,
        credits=100,
        duration=0,
        min_redeem=1,
        max_redeem=5,
        rule=RedemptionRule.HOLDER,
        trial=False,
        transferable=False,
    )
    return Plan(PLAN, terms, OWNER, None, True, 0, "")


def build_overview(lines: tuple[RevenueLine, ...] = (), **changes: Any) -> Overview:
    """Return the overview of a plan."""
    plan = build_plan()
    fields: dict[str, Any] = {
        "period": Period(HEAD.timestamp // DAY * DAY - 29 * DAY, HEAD.timestamp + 1, 30),
        "holders": HolderCounts({PLAN: 3}, True),
        "now": HEAD.timestamp + 60,
        **changes,
    }
    figures = Figures(HEAD, fields["period"], {PLAN: plan}, {PLAN: PlanSales(orders=2)}, lines, fields["holders"])
    sight = Sight(frozenset((PLAN,)), SellerView(frozenset(), frozenset((PLAN,)), frozenset()))
    charges = Charges({PLAN: PlanSums()}, {PLAN: 10}, (), ())
    return Overview(sight, figures, charges, {PLAN: PlanCard(plan, None, None)}, {}, fields["now"])


def see(html: str) -> Seen:
    return Seen({"html": html})


def test_overview__of_an_index_that_is_behind__says_how_old_it_is() -> None:
    assert "As of block 100 of 2026-11-28 12:00:00 UTC." in see(build_overview().write()).text
    assert " ago" not in see(build_overview().write()).text
    late = see(build_overview(now=HEAD.timestamp + 2 * 3_600 + 5).write()).text
    assert "That is 2 hours ago: the gateway is still reading newer blocks, or there are none." in late


def test_overview__with_holders_that_could_not_be_counted__says_at_least() -> None:
    seen = see(build_overview(holders=HolderCounts({PLAN: 3}, False)).write())
    assert seen.tile("Holders")[0] == "at least 3"


@pytest.mark.parametrize("amount", [1, 10**6, 2**256 - 1])
def test_chart__of_any_amount__has_bars_in_proportion_and_the_best_day_in_words(amount: int) -> None:
    day = HEAD.timestamp // DAY * DAY
    lines = tuple(
        RevenueLine(PLAN, ZERO_ADDRESS, OWNER, shares, 0, 0, 1, when)
        for shares, when in ((amount, day), (amount // 4, day - 5 * DAY), (0, day - 9 * DAY))
    )
    seen = see(build_overview(lines).write())
    bars = [attributes for tag, attributes in seen.tags if tag == "rect"]
    heights = sorted(int(str(bar["height"])) for bar in bars)
    assert heights == ([100] if amount == 1 else [25 if amount % 4 == 0 else 24, 100])
    assert all(0 <= int(str(bar["x"])) < 300 and int(str(bar["y"])) == 100 - int(str(bar["height"])) for bar in bars)
    assert "The best day was 2026-11-28 with " in seen.text


def test_chart__of_a_single_day__is_left_out() -> None:
    day = HEAD.timestamp // DAY * DAY
    line = RevenueLine(PLAN, ZERO_ADDRESS, OWNER, 5, 0, 0, 1, day)
    seen = see(build_overview((line,), period=Period(day, HEAD.timestamp + 1)).write())
    assert "svg" not in {tag for tag, _ in seen.tags}
    assert seen.table("Who was paid")


@pytest.mark.parametrize(
    ("state", "items", "opens_from", "credits", "words"),
    [
        ("OPEN", [None], None, "0", "signed, and not in a block yet"),
        ("LOST", [None], None, "0", "replaced by another transaction, as far as the node says"),
        ("GONE", [None], None, "0", "never mined. Nothing was taken"),
        ("DONE", [None, None], None, "0", "final, and reverted. Nothing was taken"),
        ("DONE", [0, 1, 2, 2], None, "6", "final. 1 holder had too few credits. 2 holders had a voucher that was over"),
        ("MINED", [0], None, "3", "in a block that could still be replaced"),
        ("DONE", [None], 5, "opens access", "final"),
    ],
)
def test_settlement__of_each_state__is_told_with_what_it_took(
    state: str, items: list[int | None], opens_from: int | None, credits: str, words: str
) -> None:
    parts = [
        SettledItem(OTHER, 3, 3 if each in (0, 1) else 0, None if each is None else SettlementResult(each))
        for each in items
    ]
    settlement = Settlement(
        "0x" + "cd" * 32, PLAN, OWNER, 1, tuple(parts), state=SettlementState[state], opens_from=opens_from
    )
    charges = Charges({PLAN: PlanSums()}, {}, (settlement,), ())
    (row,) = see(write_settlements(charges, {PLAN: "Tea"})).table("Settlements")
    assert (row[2], row[4]) == (credits, words)


def test_overview__of_a_plan_that_the_index_has_not_read_yet__has_its_charges_by_its_number() -> None:
    unread, overview = 9, build_overview()
    item = SettledItem(OTHER, 3, 3, SettlementResult.SETTLED)
    settlement = Settlement("0x" + "cd" * 32, unread, OWNER, 1, (item,), state=SettlementState.DONE)
    sums = {PLAN: PlanSums(), unread: PlanSums(charged=5, written_off=2)}
    charges = Charges(sums, {PLAN: 10}, (settlement,), ())
    books = SellerView(frozenset(), frozenset((PLAN, unread)), frozenset())
    seen = see(replace(overview, sight=Sight(books.plans, books), charges=charges).write())
    number = f"{unread:#066x}"
    assert seen.table("Settlements")[0][1:4] == [number, "3", "1"]
    assert seen.table("Credits that were charged and are lost")[0][:2] == [number, "2"]
    assert seen.tile("Credits served")[0] == "5"


@pytest.mark.parametrize(
    ("changes", "active", "words"),
    [
        ({}, True, "taken"),
        ({}, False, "not taken now"),
        ({"paid_externally": True}, True, "paid outside the chain"),
        ({"kind": PlanKind.USAGE}, True, "each request is paid"),
    ],
)
def test_plan__that_takes_orders_or_not__is_told_to_its_seller(
    changes: dict[str, Any], active: bool, words: str
) -> None:
    overview = build_overview()
    plan = replace(build_plan(), terms=replace(build_plan().terms, **changes), active=active)
    seen = see(replace(overview, figures=replace(overview.figures, plans={PLAN: plan})).write())
    assert seen.table("Plans, with")[0][1] == words


@pytest.mark.parametrize(("taken", "words"), [(1, "1 credit was taken"), (2, "2 credits were taken")])
def test_credits__that_were_taken__are_counted_in_words(taken: int, words: str) -> None:
    overview = build_overview()
    figures = replace(overview.figures, sales={PLAN: PlanSales(taken=taken)})
    assert f" {words} on the chain" in see(replace(overview, figures=figures).write()).tile("Credits served")[1]


def test_token__with_a_hostile_symbol__is_text_with_its_address() -> None:
    day, label = HEAD.timestamp // DAY * DAY, TokenLabel("<b>\u202eCDSU", 6, is_known=False)
    overview = build_overview((RevenueLine(PLAN, OTHER, OWNER, 5_000_000, 0, 0, 1, day),))
    plan = build_plan(OTHER)
    figures = replace(overview.figures, plans={PLAN: plan})
    html = replace(overview, figures=figures, cards={PLAN: PlanCard(plan, label, None)}).write()
    assert see(html).tile("Revenue")[0] == f"5 <b> CDSU (token {OTHER})"
    assert "<b>" not in html
    assert "\u202e" not in html


def test_losses__of_a_plan__are_listed_with_their_reasons() -> None:
    losses = (Loss(AccountKey(PLAN, OTHER), 4, "wallet"), Loss(AccountKey(PLAN, OWNER), 5, "wallet"))
    charges = Charges({PLAN: PlanSums(written_off=11)}, {}, (), losses)
    rows = see(write_settlements(charges, {PLAN: "Tea"})).table("Credits that were charged and are lost")
    assert rows == [
        ["Tea", "9", "a smart wallet does not accept its own signature any more"],
        ["Tea", "11", "they ended before a settlement could take them"],
    ]


def test_outlook__of_what_cannot_be_taken__says_why() -> None:
    hindered = {Hindrance.NO_VOUCHER: 40, Hindrance.NO_CREDITS: 0}
    seen = see(write_outlook(Outlook((), 40, 0, 7, 1, hindered)))
    assert seen.tile("Due next") == ["Nothing", "Nothing that is owed can be taken."]
    assert seen.tile("On the way") == ["7 credits", "in transactions that are not final"]
    assert seen.table("What cannot be taken now") == [["40 credits", "no voucher is valid any more"]]


def read_cards(connect: Any, plan: Plan) -> PlanCard:
    """Read the card of a plan."""

    async def read() -> PlanCard:
        desk = ChainDesk(connect, threads=1)
        try:
            return (await read_seller_cards(desk, Cards(), {PLAN: plan}, 84532))[PLAN]
        finally:
            desk.close()

    return asyncio.run(read())


def test_cards__with_a_node_that_is_away__have_the_terms_of_the_index() -> None:
    def connect() -> Chain:
        raise ConnectionFailed("http://127.0.0.1:1", "refused")

    card = read_cards(connect, build_plan())
    assert (card.price, name_plan(card), card.problem) == ("0.000000000000000005 ETH", name_plan(card), "")
    assert write_plan_name(card).startswith("<bdi>Plan 0x0000")
    usdc = read_cards(connect, build_plan("0x036CbD53842c5426634e7929541eC2318f3dCF7e"))
    assert usdc.price == "0.000005 USDC"
    assert read_cards(connect, build_plan(OTHER)).price == f"5 base units of token {OTHER}"


def test_cards__with_a_node_that_does_not_answer__do_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seller_cards, "PATIENCE_SECONDS", 0.05)

    held = threading.Event()

    def connect() -> Chain:
        held.wait()
        raise ConnectionFailed("http://127.0.0.1:1", "slow")

    async def read() -> PlanCard:
        desk = ChainDesk(connect, threads=1)
        try:
            card = (await read_seller_cards(desk, Cards(), {PLAN: build_plan()}, 1))[PLAN]
            assert not held.is_set()  # the node has not answered yet
            return card
        finally:
            held.set()
            desk.close()

    assert asyncio.run(read()).metadata is None
