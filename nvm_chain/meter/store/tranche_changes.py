"""Changes of tranches: one stored hold covers many requests of a session, and what they cost is charged in groups.

A request has a row of its own as soon as it is charged, as every other charge.
"""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from nvm_chain.errors import HoldOver, NvmChainError
from nvm_chain.errors.fields import Credits, Number, Quantity, Seconds
from nvm_chain.meter.admission import Case
from nvm_chain.meter.authorities import charge_parts
from nvm_chain.meter.books import Account, charge
from nvm_chain.meter.store.admissions import find_case
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, HoldState, Needs, StoredHold
from nvm_chain.meter.store.notice_causes import note_low_balance
from nvm_chain.meter.store.works import Work
from nvm_chain.meter.tranches import SECONDS, Tranche, admit_tranche


class StoredTranche(Struct, frozen=True, gc=False):
    """The hold of a tranche, for how long requests may use it, and the limit for each of them."""

    hold: StoredHold
    seconds: Seconds
    per_request: Credits | None


class AdmitTranche(Struct, frozen=True, gc=False):
    """Admit a request under an authority of many uses, and set credits aside for some more. Without limits and keys."""

    key: AccountKey
    authority_id: bytes
    hold_id: bytes
    work: Work
    requests: Quantity

    def add_needs(self, needs: Needs) -> None:
        """Read the account and the authority."""
        needs.accounts.add(self.key)
        needs.authorities.add(self.authority_id)

    def decide(self, group: GroupRows) -> StoredTranche | NvmChainError:
        """Open the hold of a tranche, or refuse."""
        case = find_case(group, self.key, self.authority_id, self.work)
        if not isinstance(case, Case):
            return case
        tranche = admit_tranche(case, self.requests)
        return self._open(group, tranche) if isinstance(tranche, Tranche) else tranche

    def _open(self, group: GroupRows, tranche: Tranche) -> StoredTranche:
        admitted, work = tranche.admitted, self.work
        group.put_account(self.key, replace(group.account(self.key), account=admitted.account))
        group.put_authority(admitted.authority)
        until = group.clock + work.seconds + SECONDS
        hold = StoredHold(
            *(self.hold_id, self.key, admitted.hold, work.request, work.owner, group.now, until),
            service=work.ask.service,
        )
        group.open_hold(hold)
        return StoredTranche(hold, tranche.seconds, admitted.authority.per_request)


class Part(Struct, frozen=True, gc=False):
    """A request that used a tranche, with its part of the credits, and what it cost."""

    hold: StoredHold
    cost: Credits


class ChargeParts(Struct, frozen=True, gc=False):
    """Charge for requests that used a tranche. Sent again, it changes nothing and has the same totals.

    ``number`` counts the charges of the tranche. They are stored one after the other.
    """

    tranche: StoredHold
    number: Number
    parts: tuple[Part, ...]
    unused: Credits = 0
    """Credits that no request will use, which are given back."""

    @property
    def key(self) -> AccountKey:
        """The account."""
        return self.tranche.key

    def add_needs(self, needs: Needs) -> None:
        """Read the account, the tranche, and its authority."""
        needs.accounts.add(self.tranche.key)
        needs.holds.add(self.tranche.hold_id)
        needs.authorities.add(self.tranche.hold.authority_id)

    def decide(self, group: GroupRows) -> list[StoredHold] | NvmChainError:
        """Charge all of them, or refuse after the end of the tranche. Return their charged holds."""
        found = group.holds.get(self.tranche.hold_id)
        cost = sum(part.cost for part in self.parts)
        if found is not None and found.key == self.tranche.key and found.attempt == self.number + 1:
            return list(self._charge(found.total - cost, group.now))
        if found is None or not self._may_charge(found, group.clock):
            return HoldOver(self.tranche.hold_id.hex(), cost, self.tranche.until)
        credits = self.unused + sum(part.hold.hold.credits for part in self.parts)
        account = self._charge_account(group, found, credits, cost)
        charged = list(self._charge(account.committed - cost, group.now))
        for hold in charged:
            group.open_hold(hold)
        group.open_hold(self._end(found, found.hold.credits - credits, account.committed, group.now))
        return charged

    def _may_charge(self, found: StoredHold, clock: int) -> bool:
        is_same = (found.key, found.owner, found.attempt) == (self.tranche.key, self.tranche.owner, self.number)
        return is_same and found.state is HoldState.OPEN and clock <= found.until

    def _charge_account(self, group: GroupRows, found: StoredHold, credits: int, cost: int) -> Account:
        """Charge the account and the authority."""
        stored, hold = group.account(self.key), replace(found.hold, credits=credits)
        account = charge(stored.account, credits, cost, group.now)
        authority = group.authorities[found.hold.authority_id]
        uses = len(self.parts) - (credits == found.hold.credits)  # the tranche is a use while it is open
        group.put_authority(charge_parts(authority, hold, cost, uses))
        if group.notice_rules:
            note_low_balance(group, self.key, stored.account, account)
        group.put_account(self.key, replace(stored, account=account))
        return account

    def _charge(self, committed: int, now: int) -> Iterator[StoredHold]:
        """Yield the holds as they are charged, each with the account's total after it."""
        for part in self.parts:
            committed += part.cost
            yield replace(part.hold, state=HoldState.CHARGED, cost=part.cost, ended_at=now, total=committed)

    def _end(self, found: StoredHold, rest: Credits, total: Credits, now: int) -> StoredHold:
        """Return the tranche with what is left of it. It ends when nothing is left."""
        left = replace(found, hold=replace(found.hold, credits=rest), attempt=self.number + 1, total=total)
        return left if rest else replace(left, state=HoldState.RETURNED, ended_at=now)
