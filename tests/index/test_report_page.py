"""Page of a sales report: one file that asks nobody, in which every text from outside is text, and readable in odd cases."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from eth_typing import ChecksumAddress

from nvm_chain.enums import PlanKind
from nvm_chain.index.report.markup import Markup, element, join
from nvm_chain.index.report.page import POLICY, format_report_html
from nvm_chain.index.report.scales import find_bars, find_steps, format_mark, gather, label_bars
from nvm_chain.index.report.tables import SHOWN, SPARE, Column, build_table
from nvm_chain.index.report.types import (
    AgentSummary,
    CustomerSummary,
    DailySales,
    DailyUse,
    PlanSummary,
    Report,
    TokenLabel,
)
from nvm_chain.index.report.wording import ShortNames, Wording, name_text
from nvm_chain.index.results import Expiring, RevenueLine
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.events import Block

DAY = 86_400
NOON = 20_786 * DAY + DAY // 2
"""Noon of 29 November 2026."""
OWNER = parse_address("0x" + "a1" * 20)
BUYER = parse_address("0x" + "b2" * 20)
USDC = parse_address("0x" + "c3" * 20)
OTHER = parse_address("0x" + "d4" * 20)
UNKNOWN = parse_address("0x" + "e5" * 20)
TOKENS = {
    ZERO_ADDRESS: TokenLabel("ETH", 18),
    USDC: TokenLabel("USDC", 6),
    OTHER: TokenLabel("USDC", 18, is_known=False),
}
HOSTILE = (
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "$\\frac{1}{2}$ & &lt;b&gt;",
    "\u202eevil\u202c \u2066plan",
    "A" * 5_000,
    "Z" + "\u0301" * 500,
    "line\nbreak\ttab\0nul",
    "<!-- --!> <![CDATA[",
)


def build_report(
    names: Sequence[str] = ("Basic",), *, days: int = 3, token: ChecksumAddress = USDC, unit: int = 20_000_000
) -> Report:
    """Build a report in which every plan has sales and use each day."""
    first = (NOON // DAY - days + 1) * DAY
    plans, sales, use, revenue = [], [], [], []
    for plan_id, name in enumerate(names, 1):
        paid = days * 2 * unit
        plans.append(
            PlanSummary(
                plan_id, name, PlanKind.CREDITS, token, True, 2 * days, paid, 200 * days, 0, 7 * days,
                days, days, 1, 2,
            )
        )  # fmt: skip
        revenue.append(RevenueLine(plan_id, token, OWNER, paid, 0, 0, 2 * days, first))
        sales += [DailySales(first + day * DAY, plan_id, 2, 2 * unit, 1, 1) for day in range(days)]
        use += [DailyUse(first + day * DAY, plan_id, 200, 0, 7) for day in range(days)]
    return Report(
        chain_id=84532,
        credits=OWNER,
        owner=OWNER,
        first_second=first,
        end_second=NOON + 1,
        soon_seconds=7 * DAY,
        head=Block(1_234_567, "0x" + "ab" * 32, NOON),
        tokens=TOKENS,
        plans=tuple(plans),
        sales=tuple(sales),
        use=tuple(use),
        revenue=tuple(revenue),
        customers=(CustomerSummary(BUYER, 2, {token: 2 * unit}, 7, 1),) if names else (),
        customer_count=len(names),
        holder_count=len(names),
        endings=tuple(Expiring(plan.plan_id, BUYER, 5, NOON + DAY) for plan in plans[:20]),
        ending_count=len(plans),
        agents=tuple(AgentSummary(plan.plan_id, plan.name, (plan.plan_id,), 2, 7) for plan in plans[:20]),
    )


class Page(HTMLParser):
    """Elements, attributes and texts of a page, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        """All texts outside the style sheet."""
        return "".join(text for tag, text in self.texts if tag != "style")


HTML = {
    *("html", "head", "meta", "title", "style", "body", "header", "section", "footer", "h1", "h2", "h3", "p", "div"),
    *("span", "small", "code", "bdi", "wbr", "i", "dl", "dt", "dd", "ul", "li", "table", "thead", "tbody", "tr", "th"),
    *("td", "details", "summary", "figure", "figcaption"),
}
SVG = {"svg", "g", "path", "defs", "use", "text", "desc", "clippath", "rect"}


def check_page(page: str) -> Page:
    """Check that a page is sound, has no script and asks nobody."""
    read = Page(page)
    assert {tag for tag, _ in read.tags} <= HTML | SVG
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcset", "action")]
        assert tag != "use" or re.fullmatch(r"#[\w-]+", attributes["href"] or "")
        assert tag == "use" or "href" not in attributes
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in [attributes for _, attributes in read.tags]
    assert not re.search(r"(?<!xmlns=\")(?<!xlink=\")https?://|@import|expression\(", page)
    assert re.findall(r"url\((.)", page) == ["#"] * page.count("url(")
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    return read


# ---------------------------------------------------------------- text is text


def test_page__of_hostile_names__has_them_as_text() -> None:
    read = check_page(format_report_html(build_report(HOSTILE)))
    shown = {text for tag, text in read.texts if tag == "bdi"}
    for name in HOSTILE:
        assert any(text.startswith(name_text(name)[:20]) for text in shown)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\0]", read.text)
    assert max(map(len, shown)) <= 80
    assert "$" not in "".join(text for tag, text in read.texts if tag == "text")


def test_page__of_a_hostile_symbol__has_it_as_text() -> None:
    report = build_report(token=OTHER)
    hostile = {**TOKENS, OTHER: TokenLabel("<b onclick=x>$a$", 18, is_known=False)}
    read = check_page(format_report_html(_change(report, tokens=hostile)))
    assert "<b onclick=x>$a$" in read.text


def _change(report: Report, **changes: Any) -> Report:
    return Report(**{name: changes.get(name, getattr(report, name)) for name in Report.__dataclass_fields__})


def test_element__escapes_texts_and_attributes__but_not_markup() -> None:
    assert element("p", "<i>", element("i", "&"), title='"><') == (
        '<p title="&quot;&gt;&lt;">&lt;i&gt;<i>&amp;</i></p>'
    )
    assert join("a<", Markup("<br>")) == "a&lt;<br>"
    assert element("meta", name="a", content=None) == '<meta name="a">'


# ---------------------------------------------------------------- the same each time, and for everybody


def test_page__of_equal_reports__is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first = format_report_html(build_report())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert format_report_html(build_report()) == first


def test_page__has_titles_and_descriptions_of_its_drawings_and_headings_of_its_tables() -> None:
    read = check_page(format_report_html(build_report()))
    drawings = [attributes for tag, attributes in read.tags if tag == "svg"]
    assert len(drawings) == 6  # revenue, credits and renewals, each wide and narrow
    ids = {attributes.get("id") for tag, attributes in read.tags if tag in ("title", "desc")}
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set((drawing["aria-labelledby"] or "").split()) <= ids
    assert (
        "desc",
        "3 bars, each of a day: 120.00 USDC in all. The highest bar is 40.00 USDC, from 27 Nov 2026.",
    ) in read.texts
    assert [dict(attributes)["lang"] for tag, attributes in read.tags if tag == "html"] == ["en"]
    assert "text" in {tag for tag, _ in read.texts}  # text of a drawing stays text


def test_page__has_the_sums_of_its_report() -> None:
    read = check_page(format_report_html(build_report(("Basic", "Pro"))))
    for text in ("240.00 USDC", "40.00 USDC", "120.00 USDC", "12", "1,200", "42", "block 1,234,567"):
        assert text in read.text
    assert "27 Nov 2026 to 29 Nov 2026" in read.text


# ---------------------------------------------------------------- odd cases


def test_page__of_no_plans_and_of_an_empty_plan__says_so() -> None:
    read = check_page(format_report_html(build_report(())))
    assert "There are no plans." in read.text
    report = build_report()
    empty = PlanSummary(1, "", PlanKind.TIME, USDC, False)
    nothing: dict[str, Any] = dict.fromkeys(("sales", "use", "revenue", "customers", "endings", "agents"), ())
    counts = {"customer_count": 0, "holder_count": 0, "ending_count": 0}
    read = check_page(format_report_html(_change(report, plans=(empty,), **nothing, **counts)))
    for sentence in (
        *("Nobody paid for these plans in this period.", "Nobody bought or used anything in this period."),
        *("No credits and no access end soon.", "No agent accepts these plans.", "periods · closed"),
    ):
        assert sentence in read.text
    assert "svg" not in {tag for tag, _ in read.tags}


def test_page__of_one_day__has_one_bar() -> None:
    read = check_page(format_report_html(build_report(days=1)))
    assert "1 bar, each of a day: 40.00 USDC in all." in read.text
    assert "29 Nov 2026" in read.text
    assert "29 Nov 2026 to" not in read.text


def test_page__of_four_hundred_plans__folds_most_of_them() -> None:
    read = check_page(format_report_html(build_report([f"Plan {number}" for number in range(400)], days=2)))
    assert "380 more plans" in read.text
    assert "396 other plans" in read.text
    assert all(f"Plan {number}" in read.text for number in range(400))


def test_page__of_several_tokens_and_large_amounts__is_exact() -> None:
    parts = [
        build_report(("Coins",), token=ZERO_ADDRESS, unit=123_456_789_012_345_678),
        build_report(("Dollars",), unit=10**18 + 1),
        build_report(("False dollars",), token=OTHER, unit=10**18),
        build_report(("Unknown",), token=UNKNOWN, unit=12_345),
    ]
    plans = tuple(PlanSummary(**{**_fields(part.plans[0]), "plan_id": number}) for number, part in enumerate(parts, 1))
    sales = tuple(DailySales(**{**_fields(day), "plan_id": n}) for n, part in enumerate(parts, 1) for day in part.sales)
    lines = tuple(RevenueLine(**{**_fields(part.revenue[0]), "plan_id": n}) for n, part in enumerate(parts, 1))
    read = check_page(format_report_html(_change(parts[0], plans=plans, sales=sales, revenue=lines)))
    for text in (
        "0.740740734074074068 ETH",
        "6,000,000,000,000.000006 USDC",
        f"6.00 USDC {OTHER[:6]}…{OTHER[-4:]}",
        f"74,070 units of {UNKNOWN[:6]}…{UNKNOWN[-4:]}",
    ):
        assert text in read.text


def _fields(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in type(item).__dataclass_fields__}


# ---------------------------------------------------------------- parts


@pytest.mark.parametrize(("rows", "folded"), [(SHOWN, 0), (SHOWN + SPARE, 0), (SHOWN + SPARE + 1, SPARE + 1)])
def test_build_table__folds_rows_after_the_first_twenty_if_it_saves_something(rows: int, folded: int) -> None:
    table = build_table([Column("A"), Column("B")], [("x", str(number)) for number in range(rows)], "lines")
    assert table.count("<tr") == rows + (2 if folded else 1)
    assert (f"{folded} more lines" in table) == bool(folded)
    assert table.count('data-label="B"') == rows


@pytest.mark.parametrize(
    ("days", "count", "word", "length"),
    [(1, 1, "day", 1), (62, 62, "day", 1), (63, 9, "week", 7), (434, 62, "week", 7), (435, 32, "2 weeks", 14)],
)
def test_find_bars__of_a_period__has_at_most_sixty_two(days: int, count: int, word: str, length: int) -> None:
    bars = find_bars(5 * DAY + 7, (5 + days) * DAY)
    assert (len(bars.starts), bars.word, bars.days, bars.starts[0]) == (count, word, length, 5 * DAY)
    last = (4 + days) * DAY
    assert gather(bars, [(5 * DAY, 1), (last, 10**30), (last, 2)])[-1] == 10**30 + 2 + (count == 1)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4, 5, 7, 9, 10, 11, 99, 100, 101, 12_345, 2**256 - 1])
def test_find_steps__of_any_number__has_few_round_marks_up_to_it(most: int) -> None:
    steps = find_steps(most)
    assert steps[0] == 0
    assert steps[-1] >= most
    assert 2 <= len(steps) <= 6
    assert {later - earlier for earlier, later in pairwise(steps)} == {steps[1]}
    assert str(steps[1]).rstrip("0") in {"1", "2", "5"}


@pytest.mark.parametrize(
    ("base_units", "decimals", "text"),
    [
        (0, 18, "0"),
        (1_000, 0, "1,000"),
        (500_000, 0, "500,000"),
        (2_000_000, 0, "2M"),
        (1_500_000_000, 0, "1.5B"),
        (5 * 10**14, 0, "500T"),
        (10**15, 0, "10¹⁵"),
        (15 * 10**29, 18, "1.5T"),
        (10_000, 6, "0.01"),
        (100, 6, "0.0001"),
        (10, 6, "10⁻⁵"),
        (5, 18, "5×10⁻¹⁸"),
    ],
)
def test_format_mark__is_short(base_units: int, decimals: int, text: str) -> None:
    assert format_mark(base_units, decimals) == text


def test_label_bars__of_a_long_period__names_months_with_their_year() -> None:
    assert label_bars(find_bars(0, 400 * DAY), 4)[:2] == [(0, "Jan 1970"), (15, "Apr 1970")]
    assert label_bars(find_bars(0, 4 * DAY), 2) == [(0, "1 Jan"), (2, "3 Jan")]


def test_wording__of_plans_with_one_name__tells_them_apart() -> None:
    plans = [PlanSummary(number, name, PlanKind.CREDITS, USDC, True) for number, name in enumerate(("A", "B", "A", ""))]
    words = Wording.of(_change(build_report(), plans=tuple(plans)))
    assert [words.plan_text(plan) for plan in plans] == ["A (0x0000…0000)", "B", "A (0x0000…0002)", "0x0000…0003"]


def test_short_names__of_alike_ids__differ() -> None:
    names = ShortNames()
    alike = ["0x1234" + middle * 32 + "abcd" for middle in "567"]
    assert [names.shorten(text) for text in (*alike, *alike)] == ["0x1234…abcd", "0x12346…6abcd", "0x12347…7abcd"] * 2
