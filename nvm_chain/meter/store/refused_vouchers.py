"""Vouchers whose signature a contract wallet no longer accepts: they leave the books, and their sessions are closed."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress
from msgspec.structs import replace

from nvm_chain.errors.fields import Credits, Time
from nvm_chain.index.raw_events import name_address
from nvm_chain.meter.books import Account
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs
from nvm_chain.meter.store.packing import pack_key, unpack_account, unpack_key
from nvm_chain.meter.store.schema import accounts
from nvm_chain.meter.store.store import Store
from nvm_chain.meter.voucher_fronts import VoucherFront, put_ceiling
from nvm_chain.signing.vouchers import SignedVoucher


@dataclass(frozen=True, slots=True)
class RefuseVoucher:
    """Drop a voucher whose signature its contract wallet no longer accepts, and close the session that it opened.

    ``digest`` is that of the voucher, which is the id of its session. What was charged stays owed.
    """

    signed: SignedVoucher
    digest: bytes

    @property
    def key(self) -> AccountKey:
        """The account."""
        return AccountKey(self.signed.voucher.plan_id, self.signed.voucher.holder)

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the session."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.digest)

    def decide(self, group: GroupRows) -> Account:
        """Drop it, and return the account."""
        stored = group.account(self.key)
        front = stored.front.drop(self.signed)
        account = put_ceiling(stored.account, front, group.now)
        group.put_account(self.key, replace(stored, account=account, front=front))
        session = group.find_authority(self.key, self.digest)
        if session is not None:
            group.put_authority(replace(session, unsigned=True))
        group.refused_vouchers[self.digest] = self.signed
        return account


def read_front(store: Store, *, key: AccountKey) -> VoucherFront:
    """Return the vouchers of an account. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        rows = list(pen.find(accounts, [pack_key(key)]))
    return unpack_account(key, rows[0], None, has_past=False).front if rows else VoucherFront()


class RefusedVoucher(NamedTuple):
    """A voucher that was dropped, because its contract wallet does not accept the signature any more."""

    key: AccountKey
    redeemer: ChecksumAddress
    ceiling: Credits
    refused_at: Time


LIST: Final = "SELECT plan, holder, redeemer, ceiling, refused_at FROM refused_vouchers ORDER BY plan, holder, digest"


def list_refused(store: Store) -> list[RefusedVoucher]:
    """Return all vouchers that were dropped so. Raises IndexFailure if the books cannot be read."""
    with store.asking() as pen:
        rows = pen.ask(LIST)
    return [
        RefusedVoucher(unpack_key(plan, holder), name_address(bytes(redeemer)), ceiling, refused_at)
        for plan, holder, redeemer, ceiling, refused_at in rows
    ]
