"""What some holders of a plan were charged, and what they owe, for people."""

from collections.abc import Iterable
from typing import NamedTuple

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits, PlanId
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.store.packing import pack_key, unpack_account, unpack_key
from nvm_chain.meter.store.schema import accounts
from nvm_chain.meter.store.store import Store


class HolderCharges(NamedTuple):
    """The credits that a holder was charged on a plan in all, and those that are owed and not taken yet."""

    charged: Credits = 0
    owed: Credits = 0


def read_charges(
    store: Store, plan_id: PlanId, holders: Iterable[ChecksumAddress]
) -> dict[ChecksumAddress, HolderCharges]:
    """Return what holders of a plan were charged. Those whom the books do not know are left out. Raises IndexFailure."""
    keys = [pack_key(AccountKey(plan_id, holder)) for holder in holders]
    found = {}
    with store.asking() as pen:
        for row in pen.find(accounts, keys):
            key = unpack_key(bytes(row[0]), bytes(row[1]))
            account = unpack_account(key, row, None, has_past=False).account
            found[key.holder] = HolderCharges(account.committed, account.owed)
    return found
