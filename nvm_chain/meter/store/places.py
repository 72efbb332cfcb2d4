"""Places: how many authorities a holder may have on a plan until they end, and how many tokens one authority may have."""

from typing import Final

from nvm_chain.errors import TooManyAuthorities
from nvm_chain.errors.fields import Time
from nvm_chain.index.pens import Pen
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import pack_key

MOST_AUTHORITIES: Final = 256
"""How many sessions, allowances and sign-ins of a holder on a plan there may be that have not ended. Revoked ones count too,
so that to open and revoke again and again fills no database."""
MOST_TOKENS: Final = 16
"""How many tokens of one session or allowance there may be that have not ended."""


def count_authorities(pen: Pen, key: AccountKey, now: Time) -> int:
    """Return how many authorities of an account have not ended."""
    plan, holder = pack_key(key)
    ((count,),) = pen.ask(
        "SELECT count(*) FROM authorities WHERE holder = ? AND plan = ? AND ends_at >= ?", (holder, plan, now)
    )
    return int(count)


def count_tokens(pen: Pen, authority_id: bytes, now: Time) -> int:
    """Return how many tokens of an authority have not ended."""
    ((count,),) = pen.ask(
        "SELECT count(*) FROM tokens WHERE authority_id = ? AND (until = 0 OR until >= ?)", (authority_id, now)
    )
    return int(count)


def refuse_more_authorities(key: AccountKey) -> TooManyAuthorities:
    """Return why no more authorities of an account are kept."""
    return TooManyAuthorities(key.plan_id, key.holder, MOST_AUTHORITIES)
