"""Open sessions, allowances and sign-ins in words, for their holder."""

from collections.abc import Mapping
from typing import Any

from nvm_chain.errors.fields import Time
from nvm_chain.errors.formatting import count, format_duration, format_utc
from nvm_chain.meter.authorities import Authority, AuthorityKind
from nvm_chain.types.ids import format_did


def tell_authority(authority: Authority, names: Mapping[str, str], now: Time) -> dict[str, Any]:
    """Return what an authority allows, and what was used of it.

    Args:
        authority: The authority.
        names: The names of services, by DID.
        now: The time, of which the present period is.
    """
    return {
        "id": authority.authority_id.hex(),
        "kind": authority.kind.value,
        "planId": format_did(authority.plan_id),
        "user": authority.user if authority.kind is AuthorityKind.ALLOWANCE else None,
        "services": [names.get(did, did) for did in authority.services],
        "terms": [*_list_limits(authority, now), f"It ends on {format_utc(authority.end)}."],
    }


def _list_limits(authority: Authority, now: Time) -> list[str]:
    if authority.kind is AuthorityKind.SIGN_IN:
        return _list_sign_in(authority)
    held = (
        f", and {count(authority.held, 'credit')} {'is' if authority.held == 1 else 'are'} held"
        if authority.held
        else ""
    )
    told = [
        f"{_write_limit(authority)} {count(authority.spent, 'credit')} {'is' if authority.spent == 1 else 'are'} used{held}."
    ]
    if authority.per_request is not None:
        told.append(f"Each request costs at most {count(authority.per_request, 'credit')}.")
    if authority.per_period is not None:
        most, length = count(authority.per_period.credits, "credit"), format_duration(authority.per_period.seconds)
        used, reset = authority.find_period_used(now), format_utc(authority.find_reset(now))
        told.append(
            f"At most {most} in each period of {length}. The present one ends on {reset}, and has used {used:,}."
        )
    return told


def _write_limit(authority: Authority) -> str:
    return "It has no limit." if authority.limit is None else f"At most {count(authority.limit, 'credit')} in all."


def _list_sign_in(authority: Authority) -> list[str]:
    told = [f"It is good for any number of requests that your plan allows. {count(authority.used, 'request')} so far."]
    if authority.max_periods:
        most = count(authority.max_periods, "access period")
        told.append(f"The seller may open at most {most} by it, and has opened {authority.opened:,}.")
    return told
