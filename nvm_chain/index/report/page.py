"""Report as one HTML page that needs nothing else: no script, no file beside it, no other host."""

from typing import Final

from nvm_chain.errors.formatting import count, format_duration
from nvm_chain.index.report.markup import Markup, element, join
from nvm_chain.index.report.sections import build_sections
from nvm_chain.index.report.style import STYLE
from nvm_chain.index.report.tiles import build_tiles
from nvm_chain.index.report.types import Report
from nvm_chain.index.report.wording import Wording, format_day, format_moment

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content-Security-Policy of the page. It allows the page's own styles, and nothing else."""
_BEGINNING: Final = Markup("<!DOCTYPE html>\n")


def format_report_html(report: Report) -> str:
    """Write a report as one HTML page, for a browser, a phone or paper.

    The page has no script and asks no host. Every text from outside is escaped and shortened. Equal reports give equal
    pages. Needs matplotlib, which draws the charts.
    """
    words = Wording.of(report)
    body = element(
        "body", _build_header(report), build_tiles(report, words), *build_sections(report, words), _build_footer(report)
    )
    return join(_BEGINNING, element("html", _build_head(report), body, lang="en"), "\n")


def _build_head(report: Report) -> Markup:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"Sales report, {_format_period(report)}"),
        element("style", Markup(STYLE)),
    )


def _build_header(report: Report) -> Markup:
    plans = count(len(report.plans), "plan")
    whose = join(f"{plans} of ", element("code", report.owner)) if report.owner else join(plans)
    return element(
        "header",
        element("h1", "Sales report"),
        element("p", _format_period(report), class_="sub"),
        element("p", whose, class_="sub"),
    )


def _format_period(report: Report) -> str:
    first, last = format_day(report.first_second), format_day(report.end_second - 1)
    return first if first == last else f"{first} to {last}"


def _build_footer(report: Report) -> Markup:
    period = (
        f"From {format_moment(report.first_second)}, before {format_moment(report.end_second)}. Days are days in UTC."
    )
    state = (
        f"Holders and ends as of block {report.head.number:,}, {format_moment(report.head.timestamp)}, with the hash "
    )
    place = f"Chain {report.chain_id}, Credits at "
    return element(
        "footer",
        element("p", period),
        element("p", state, element("code", report.head.hash), "."),
        element("p", place, element("code", report.credits), "."),
        element("p", f"Ending soon means within {format_duration(report.soon_seconds)} after that block."),
    )
