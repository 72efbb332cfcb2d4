"""Usage over HTTP: what a seller asks for, and the answer in pages or in one stream."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import parse_qsl, urlencode

from nvm_chain.errors import InputError, InvalidMessage
from nvm_chain.errors.fields import Quantity
from nvm_chain.gateway.usage_export import ExportFormat
from nvm_chain.meter.store.usage import AT_ONCE, read_part
from nvm_chain.meter.store.writer import Writer
from nvm_chain.meter.usage import BEGIN, NUMBER_BITS, Usage, UsageCursor, UsageFilter, UsagePage, parse_cursor
from nvm_chain.statements.periods import parse_moment
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import format_did, parse_agent_id

MOST_ON_PAGE: Final = 10_000
MOST_PARTS: Final = 20
"""After so many parts of the books a page ends, also if little or nothing in them is the seller's."""
SHARE: Final = 2
"""An export rests so many times as long as each of its parts took, so that requests have the books most of the time."""
NAMES: Final = ("from", "to", "service", "format", "after", "limit")


@dataclass(frozen=True, slots=True)
class UsageAsk:
    """What a seller asks for. ``limit`` is None for all of it in one stream."""

    wanted: UsageFilter
    form: ExportFormat = ExportFormat.JSONL
    after: UsageCursor = BEGIN
    limit: Quantity | None = None


def read_ask(query: bytes, services: frozenset[str]) -> UsageAsk:
    """Return what a query asks for. A service of somebody else is refused like one that does not exist.

    Raises:
        InvalidMessage: The query has an unknown, repeated or malformed value.
    """
    values = _read_values(query)
    wanted = replace(UsageFilter(), services=services)
    if "service" in values:
        wanted = replace(wanted, services=(_read_service(values["service"], services),))
    if "from" in values:
        wanted = replace(wanted, start=_read_time("from", values["from"]))
    if "to" in values:
        wanted = replace(wanted, end=_read_time("to", values["to"]))
    after = parse_cursor(values["after"]) if "after" in values else BEGIN
    return UsageAsk(wanted, _read_format(values.get("format")), after, _read_limit(values.get("limit")))


def _read_values(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), max_num_fields=10)
    except ValueError:
        raise _refuse("it is not a query such as from=2026-11-01&to=2026-12-01") from None
    values = dict(pairs)
    unknown = [name for name in values if name not in NAMES]
    if unknown or len(values) != len(pairs):
        raise _refuse(f"it may have {', '.join(NAMES)}, each once")
    return values


def _read_service(text: str, services: frozenset[str]) -> str:
    try:
        did = format_did(parse_agent_id(text))
    except InputError:
        did = ""
    if did not in services:
        raise _refuse("its service is not one of yours")
    return did


def _read_time(name: str, text: str) -> int:
    try:
        return check_uint(parse_moment(text, f"`{name}`"), NUMBER_BITS, f"`{name}`")
    except InputError as error:
        raise _refuse(error.problem.removesuffix(".")) from None


def _read_format(text: str | None) -> ExportFormat:
    if text is None:
        return ExportFormat.JSONL
    try:
        return ExportFormat(text)
    except ValueError:
        raise _refuse("its format is not csv or jsonl") from None


def _read_limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= MOST_ON_PAGE):
        raise _refuse(f"its limit is not a number from 1 to {MOST_ON_PAGE:,}")
    return int(text)


def _refuse(reason: str) -> InvalidMessage:
    return InvalidMessage("query", reason)


async def read_parts(writer: Writer, ask: UsageAsk) -> AsyncIterator[UsagePage]:
    """Yield the usage that is asked for, in parts of the books. Raises IndexFailure if the books cannot be read."""
    after: UsageCursor | None = ask.after
    while after is not None:
        began = time.monotonic()
        page = await asyncio.to_thread(writer.run, partial(read_part, wanted=ask.wanted, after=after, count=AT_ONCE))
        yield page
        after = page.next
        await asyncio.sleep(SHARE * (time.monotonic() - began) if after is not None else 0)


async def read_page(writer: Writer, ask: UsageAsk, limit: Quantity) -> tuple[list[Usage], UsageCursor | None]:
    """Return a page of usage, and the place behind it.

    A page may have less than its limit, or nothing, before the end: a seller with little usage among that of many others gets the
    place that was reached.

    Args:
        writer: The books.
        ask: What is asked for.
        limit: How much the page has at most.

    Returns:
        The usage, and the place behind what was looked at. None at the end.

    Raises:
        IndexFailure: The books cannot be read.
    """
    found: list[Usage] = []
    parts = 0
    async for part in read_parts(writer, ask):
        found += part.entries
        parts += 1
        if len(found) > limit:
            last = found[limit - 1]
            return found[:limit], UsageCursor(last.ended_at, last.total, last.request_id)
        if parts == MOST_PARTS:
            return found, part.next
    return found, None


def write_next(path: str, query: bytes, after: UsageCursor) -> str:
    """Return the value of a header that links to the next page."""
    pairs = [(name, value) for name, value in parse_qsl(query.decode("ascii")) if name != "after"]
    return f'<{path}?{urlencode([*pairs, ("after", str(after))])}>; rel="next"'
