"""Changes of access windows: requests on time plans cost nothing, so they are counted while they run."""

from dataclasses import dataclass

from nvm_chain.errors import AuthorityUnknown, NvmChainError, RequestRefused
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.agreements import Ask, Question, find_disagreement
from nvm_chain.meter.authorities import hold_use
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs, StoredHold
from nvm_chain.meter.store.works import find_old_view
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

    def add_needs(self, needs: Needs) -> None:
        """Read the account, its window and the authority."""
        needs.accounts.add(self.key)
        needs.windows.add(self.key)
        needs.authorities.add(self.authority_id)

    def decide(self, group: GroupRows) -> StoredHold | NvmChainError:
        """Open a hold of no credits, or refuse."""
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
        used, hold = hold_use(authority, 0, group.now)
        group.put_window(self.key, admitted)
        group.put_authority(used)
        opened = StoredHold(
            self.hold_id, self.key, hold, bytes(32), self.owner, group.now, until=group.clock + self.seconds
        )
        group.open_hold(opened)
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
        group.put_window(self.key, window)
        return window
