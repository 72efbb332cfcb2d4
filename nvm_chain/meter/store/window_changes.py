"""Changes of access windows: requests on time plans cost nothing, so they are counted while they run."""

from dataclasses import dataclass

from nvm_chain.errors import AuthorityUnknown, NvmChainError, RequestRefused
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.agreements import Ask, Question, find_disagreement
from nvm_chain.meter.authorities import Authority, hold_use
from nvm_chain.meter.limits import Limited
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
    """Admit a request on a time plan under a sign-in, or another authority of many uses."""

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

    def add_needs(self, needs: Needs) -> None:
        """Read the account, its window, the authority, and the request that came before with the key."""
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
            return admitted
        return self._open_hold(group, authority, admitted)

    def _open_hold(
        self, group: GroupRows, authority: Authority, admitted: WindowAccount
    ) -> StoredHold | RequestRefused:
        """Open a hold, unless a limit of the holder is reached."""
        if self.limited is not None:
            counted = count_in(group.account(self.key), self.limited, 0, group.now)
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

    def decide(self, group: GroupRows) -> WindowAccount | NvmChainError:
        """Put the views in, in their order."""
        window, views = group.window(self.key), self.views
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
