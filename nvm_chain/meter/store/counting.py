"""Counters of limits in the row of an account: a request is counted when it is admitted, and what it did not use is given back."""

from msgspec.structs import replace

from nvm_chain.errors import RequestRefused
from nvm_chain.errors.fields import Credits, Time
from nvm_chain.meter.limits import Asker, Limited, count_end, count_release, count_request
from nvm_chain.meter.store.group_rows import StoredAccount, StoredHold


def count_in(
    stored: StoredAccount, limited: Limited, credits: Credits, now: Time, *, next_ceiling: Credits
) -> StoredAccount | RequestRefused:
    """Return an account after a request of at most some credits was counted, or the reason why it is refused.

    ``next_ceiling`` is the one that a refusal says.
    """
    asker = Asker(stored.account.plan_id, stored.account.holder, next_ceiling)
    usages = count_request(stored.usages, limited, asker, credits, now)
    return usages if isinstance(usages, RequestRefused) else replace(stored, usages=usages)


def count_back(stored: StoredAccount, hold: StoredHold, cost: Credits = 0) -> StoredAccount:
    """Return an account after a hold has ended with a cost. What the cost leaves of the hold counts no more in the quota."""
    if hold.counted is None:
        return stored
    return replace(stored, usages=count_end(stored.usages, hold.counted, hold.hold.credits - cost))


def count_unserved(stored: StoredAccount, hold: StoredHold, now: Time, *, was_sent: bool) -> StoredAccount:
    """Return an account after the request of a hold was not served. It counts as a release if the upstream was called.

    ``hold`` is the one that its owner has, which knows the limits.
    """
    freed = count_back(stored, hold)
    if hold.limited is None or not was_sent:
        return freed
    return replace(freed, usages=count_release(freed.usages, hold.limited, now))
