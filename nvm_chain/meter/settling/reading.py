"""What a settler reads from the books: accounts that owe credits, and are to be settled with one of the seller's keys."""

from collections.abc import Iterator, Sequence

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.settings import MeterSettings
from nvm_chain.meter.settling.keys import choose_key
from nvm_chain.meter.settling.rules import Owing, SettleRules, may_be_near
from nvm_chain.meter.store.group_rows import StoredAccount
from nvm_chain.meter.store.owing import Glance, read_owing
from nvm_chain.meter.store.writer import Writer


def list_owing(
    writer: Writer, settings: MeterSettings, key: ChecksumAddress, now: int, rules: SettleRules | None = None
) -> Iterator[tuple[Credits, Owing | None]]:
    """Yield what each account owes, and the account as a whole if a key of the seller is to settle it.

    Args:
        writer: The books.
        settings: Which plans there are, and the seller's keys. Accounts on other plans are left out.
        key: One of the keys.
        now: The Unix second of the question.
        rules: If given, accounts that are neither due nor near to it are not read as a whole. That takes much less time.

    Raises:
        IndexFailure: The books cannot be read.
    """
    policies, keys = settings.policies, settings.keys

    def wants(glance: Glance) -> bool:
        policy = policies.get(glance.plan_id)
        if policy is None or rules is None or len(keys) > 1:  # a voucher for one key may end before another's
            return policy is not None
        return may_be_near(glance, policy.exposure, rules, now)

    for part in read_owing(writer, wants):
        for glance, stored in part:
            if glance.plan_id in policies:
                yield glance.owed, None if stored is None else _build(stored, policies[glance.plan_id], keys, key, now)


def _build(
    stored: StoredAccount, policy: Policy, keys: Sequence[ChecksumAddress], key: ChecksumAddress, now: int
) -> Owing | None:
    """Return an account, or None if another one of the keys is to settle it."""
    account = stored.account
    if len(keys) > 1:
        total = account.find_total_to_reach(now)
        chosen = choose_key(stored.front, keys, total, now) if policy.by_vouchers else keys[0]
        if chosen != key:
            return None
    return Owing(account, stored.front.keep_for(key), policy.exposure, policy.by_vouchers, account.owed_since)
