"""Terms of a session: the text that a page or a tool shows, and whose hash is the context of the voucher.

So what a person reads is what is signed. Terms have one spelling only. An allowance is a session whose terms name the key of
somebody else, who uses the credits of the holder.
"""

import re
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors import InvalidConfig, InvalidMessage, NvmChainError, VoucherMismatch
from nvm_chain.errors.fields import Credits, PlanId, Seconds, Time
from nvm_chain.errors.formatting import format_duration, format_time
from nvm_chain.signing.eip712 import check_address
from nvm_chain.signing.vouchers import Voucher
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import format_did, parse_agent_id, parse_plan_id

MAX_TERMS: Final = 16_384
"""The largest number of characters in the text of terms."""
MAX_SERVICES: Final = 64
EVERY_SERVICE: Final[tuple[str, ...]] = ()
"""The services of terms that are for every service of the plan."""
LAST_END: Final = 253_402_300_799
"""The last second of the year 9999, because the text has a date."""

_FORM: Final = """\
Session of nvm_chain, version 1

Requests may be paid with my credits, within these limits:
Plan: {plan}
Holder: {holder}
Used by: {user}
Services: {services}
Credits in all: at most {limit}
Credits for each request: {per_request}
Credits for each period: {per_period}
Ends after: {end}

The seller of the service counts the credits. A revocation of the session is a promise of the seller."""
_HOLDER: Final = "the holder"
_EVERY: Final = "every service of the plan"
_NO_LIMIT: Final = "no other limit"
_PATTERN: Final = re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^\n]*)", re.escape(_FORM)))
_AT_MOST: Final = re.compile(r"at most (?P<credits>[0-9]{1,20})(?: in .* \((?P<seconds>[0-9]{1,20}) seconds\))?")
_END: Final = re.compile(r".* \(([0-9]{1,12})\)")


@dataclass(frozen=True, slots=True)
class PeriodLimit:
    """The credits that may be used in each period. Periods follow one another from the start of the session."""

    credits: Credits
    seconds: Seconds


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """What a holder allows in a session. Make them with `build_session_terms`.

    ``user`` is the holder, or the account that may use an allowance. ``services`` are DIDs in their order, or empty for every
    service of the plan. ``per_request`` and ``per_period`` are None for no other limit. ``end`` is the last valid second.
    """

    plan_id: PlanId
    holder: ChecksumAddress
    user: ChecksumAddress
    limit: Credits
    end: Time
    per_request: Credits | None = None
    per_period: PeriodLimit | None = None
    services: tuple[str, ...] = EVERY_SERVICE

    def __post_init__(self) -> None:
        """Check the fields, because the context is a hash of their text. Raises an InputError."""
        check_uint(self.plan_id, 256, "plan id")
        check_address(self.holder, "holder address")
        check_address(self.user, "user address")
        check_uint(self.limit, 64, "limit", minimum=1)
        if self.per_request is not None:
            check_uint(self.per_request, 64, "limit for each request", minimum=1)
        if self.per_period is not None:
            check_uint(self.per_period.credits, 64, "limit for each period", minimum=1)
            check_uint(self.per_period.seconds, 32, "period", minimum=1)
        if not 0 <= check_uint(self.end, 64, "end") <= LAST_END:
            raise InvalidConfig("a session cannot end after the year 9999")
        if list(self.services) != sorted(set(self.services)) or len(self.services) > MAX_SERVICES:
            raise InvalidConfig(f"the services are at most {MAX_SERVICES} different DIDs, in their order")

    @property
    def text(self) -> str:
        """The terms as people read them. These bytes are hashed."""
        return _FORM.format(
            plan=format_did(self.plan_id),
            holder=self.holder,
            user=_HOLDER if self.user == self.holder else self.user,
            services=", ".join(self.services) or _EVERY,
            limit=self.limit,
            per_request=_NO_LIMIT if self.per_request is None else f"at most {self.per_request}",
            per_period=_format_period(self.per_period),
            end=format_time(self.end),
        )

    @property
    def context(self) -> bytes:
        """The context of the session's voucher, 32 bytes: keccak-256 of the text."""
        return keccak(self.text.encode())


def build_session_terms(
    plan_id: int | str,
    *,
    holder: str,
    limit: int,
    end: int,
    user: str | None = None,
    per_request: int | None = None,
    per_period: tuple[int, int] | None = None,
    services: tuple[int | str, ...] = (),
) -> SessionTerms:
    """Build the terms of a session or an allowance. No network.

    Args:
        plan_id: The plan's id, as an int, text or DID.
        holder: The address whose credits pay for the requests.
        limit: The highest number of credits that the session may use in all.
        end: The last Unix second of the session.
        user: For an allowance, the address whose key uses the credits.
        per_request: The highest number of credits for each request.
        per_period: The highest number of credits for each period, and the length of the period in seconds.
        services: The ids of the agents that the session is for. Every agent of the plan if empty.

    Raises:
        InvalidPlanId: The plan id is malformed.
        InvalidAgentId: A service is not an agent id.
        InvalidAddress: An address is malformed or zero.
        InvalidAmount: A number is out of range.
        InvalidConfig: There are too many services, or the end is after the year 9999.

    >>> bob = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    >>> print(build_session_terms(255, holder=bob, limit=100, end=1_800_000_000).text.splitlines()[7])
    Credits in all: at most 100
    """
    owner = parse_address(holder, "holder address")
    return SessionTerms(
        plan_id=parse_plan_id(plan_id),
        holder=owner,
        user=owner if user is None else parse_address(user, "user address"),
        limit=limit,
        end=end,
        per_request=per_request,
        per_period=None if per_period is None else PeriodLimit(*per_period),
        services=tuple(sorted({format_did(parse_agent_id(service)) for service in services})),
    )


def parse_session_terms(text: str) -> SessionTerms:
    """Read the text of terms. Raises InvalidMessage for any text that `SessionTerms.text` does not write."""
    match = _PATTERN.fullmatch(text) if len(text) <= MAX_TERMS else None
    if match is None:
        raise _refuse("its lines are not those of a session")
    try:
        terms = _read_terms(match)
    except NvmChainError as error:
        raise _refuse(error.problem.rstrip(".")) from None
    if terms.text != text:
        raise _refuse("one of its values has another spelling")
    return terms


def _read_terms(match: re.Match[str]) -> SessionTerms:
    end, services = _END.fullmatch(match["end"]), match["services"]
    limit = _read_limit(f"at most {match['limit']}")
    if limit is None or end is None:
        raise _refuse("its limit or its end is not a number")
    return build_session_terms(
        match["plan"],
        holder=match["holder"],
        user=None if match["user"] == _HOLDER else match["user"],
        limit=limit[0],
        end=int(end[1]),
        per_request=(_read_limit(match["per_request"]) or (None,))[0],
        per_period=_read_limit(match["per_period"]),
        services=() if services == _EVERY else tuple(services.split(", ")),
    )


def _read_limit(text: str) -> tuple[int, int] | None:
    match = _AT_MOST.fullmatch(text)
    return None if match is None else (int(match["credits"]), int(match["seconds"] or 0))


def _format_period(limit: PeriodLimit | None) -> str:
    if limit is None:
        return _NO_LIMIT
    return f"at most {limit.credits} in {format_duration(limit.seconds)} ({limit.seconds} seconds)"


def check_session_voucher(voucher: Voucher, terms: SessionTerms) -> None:
    """Check that a voucher opens a session with these terms. Its signature is not checked.

    Raises:
        VoucherMismatch: The voucher was signed for other terms, or dies before the session ends.
    """
    compared = {
        "context": (f"0x{terms.context.hex()}", f"0x{voucher.context.hex()}"),
        "plan id": (format_did(terms.plan_id), format_did(voucher.plan_id)),
        "holder": (terms.holder, voucher.holder),
    }
    for field, (expected, actual) in compared.items():
        if expected != actual:
            raise VoucherMismatch(field, expected, actual)
    if voucher.deadline < terms.end:
        raise VoucherMismatch("deadline", f"{terms.end} or later", str(voucher.deadline))


def _refuse(reason: str) -> InvalidMessage:
    return InvalidMessage("session's terms", reason)
