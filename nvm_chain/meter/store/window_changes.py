"""Changes of access windows: requests on time plans cost nothing, so they are counted while they run."""

from dataclasses import dataclass, replace

from eth_typing import ChecksumAddress
from msgspec.structs import replace as change

from nvm_chain.errors import AccessOpening, AuthorityUnknown, NvmChainError, RequestRefused, WindowClosed
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.agreements import Ask, Question, find_disagreement
from nvm_chain.meter.authorities import Authority, hold_use
from nvm_chain.meter.limits import Limited
from nvm_chain.meter.openings import (
    RETRY_SECONDS,
    FirstUseCase,
    Stated,
    find_refusal_to_open,
    is_undone,
    want_opening,
)
from nvm_chain.meter.store.counting import count_in
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs, StoredHold
from nvm_chain.meter.store.notice_causes import note_access
from nvm_chain.meter.store.works import KeptAnswer, KeyUse, find_kept, find_old_view, note_key
from nvm_chain.meter.windows import (
    NO_CEILING,
    WindowAccount,
    WindowCase,
    WindowPolicy,
    WindowView,
    admit_to_window,
    replace_window,
    roll_back_window,
)


@dataclass(frozen=True, slots=True)
class AdmitToWindow:
    """Admit a request on a time plan under a sign-in, or another authority of many uses.

    A request that finds the window closed is refused. Where access is opened on first use, an opening with ``redeemer`` is then
    stored, if the sign-in lets the seller open its periods. Any number of such requests store one.
    """

    key: AccountKey
    authority_id: bytes
    hold_id: bytes
    service: str
    policy: WindowPolicy
    owner: bytes
    seconds: Seconds
    max_view_age_seconds: Seconds = 300
    use: KeyUse | None = None
    limited: Limited | None = None
    redeemer: ChecksumAddress | None = None

    def add_needs(self, needs: Needs) -> None:
        """Read the account, its window, the authority, and the request that came before with the key."""
        if self.policy.first_use is not None:
            needs.first_uses.add(self.key)
        needs.accounts.add(self.key)
        needs.windows.add(self.key)
        needs.authorities.add(self.authority_id)
        if self.use is not None:
            needs.requests.add(self.use.scope)

    def decide(self, group: GroupRows) -> StoredHold | KeptAnswer | NvmChainError:
        """Open a hold of no credits, or refuse."""
        if (kept := find_kept(self.use, group)) is not None:
            return kept
        if (old := find_old_view(group, self.max_view_age_seconds)) is not None:
            return old
        authority = group.find_authority(self.key, self.authority_id)
        if authority is None or group.is_void(authority):
            return AuthorityUnknown(self.authority_id.hex())
        refusal = find_disagreement(Question(authority, Ask(0, self.service), group.now, NO_CEILING))
        if refusal is not None:
            return refusal
        admitted = admit_to_window(WindowCase(group.window(self.key), self.policy, group.now))
        if isinstance(admitted, RequestRefused):
            return self._refuse(group, authority, admitted)
        return self._open_hold(group, authority, admitted)

    def _refuse(self, group: GroupRows, authority: Authority, refusal: RequestRefused) -> RequestRefused:
        """Return the refusal of a request. If access is to be opened, store that. Here alone, a refused request changes the books."""
        first_use, redeemer = self.policy.first_use, self.redeemer
        if first_use is None or redeemer is None or not isinstance(refusal, WindowClosed):
            return refusal
        window = group.window(self.key)
        stated = Stated(authority.max_periods, authority.opened)
        case = FirstUseCase(window, first_use, stated, None, group.now, group.clock)
        case = replace(case, known=group.openings.get((self.key, case.view.access_until)))
        obstacle = find_refusal_to_open(case)
        if obstacle is not None:
            return obstacle
        group.put_opening(want_opening(case, self.authority_id, redeemer))
        if not is_undone(case.known):
            group.put_authority(change(authority, opened=authority.opened + first_use.periods))
        return AccessOpening(NO_CEILING, *self.key, RETRY_SECONDS)

    def _open_hold(
        self, group: GroupRows, authority: Authority, admitted: WindowAccount
    ) -> StoredHold | RequestRefused:
        """Open a hold, unless a limit of the holder is reached."""
        if self.limited is not None:
            counted = count_in(group.account(self.key), self.limited, 0, group.now, next_ceiling=NO_CEILING)
            if isinstance(counted, RequestRefused):
                return counted
            group.put_account(self.key, counted)
        used, hold = hold_use(authority, 0, group.now)
        group.put_window(self.key, admitted)
        group.put_authority(used)
        opened = StoredHold(
            self.hold_id,
            self.key,
            hold,
            bytes(32),
            self.owner,
            group.now,
            until=group.clock + self.seconds,
            scope=b"" if self.use is None else self.use.scope,
            limited=self.limited,
            service=self.service,
        )
        group.open_hold(opened)
        note_key(self.use, group, self.hold_id)
        return opened


@dataclass(frozen=True, slots=True)
class SeeWindow:
    """Replace the view of a window by later ones, or with ``rolls_back`` first by that of an ancestor."""

    key: AccountKey
    views: tuple[WindowView, ...]
    depth: int
    rolls_back: bool = False

    def add_needs(self, needs: Needs) -> None:
        """Read the account and its window."""
        needs.accounts.add(self.key)
        needs.windows.add(self.key)
        needs.window_ends.setdefault(self.key, set()).update(view.access_until for view in self.views)

    def decide(self, group: GroupRows) -> WindowAccount | NvmChainError:
        """Put the views in, in their order."""
        window, views = group.window(self.key), self.views
        if window == WindowAccount(*self.key) and all(view.is_empty for view in views):
            return window  # it has no row, and anybody has such a window
        if self.rolls_back:
            window, views = roll_back_window(window, views[0], depth=self.depth), views[1:]
        for view in views:
            window = replace_window(window, view, depth=self.depth)
        note_access(group, window)
        group.put_window(self.key, window)
        return window


@dataclass(frozen=True, slots=True)
class ReadWindow:
    """Read an access window as the books have it."""

    key: AccountKey

    def add_needs(self, needs: Needs) -> None:
        """Read the account and its window."""
        needs.accounts.add(self.key)
        needs.windows.add(self.key)

    def decide(self, group: GroupRows) -> WindowAccount:
        """Return it."""
        return group.window(self.key)
