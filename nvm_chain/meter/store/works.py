"""What a request needs of the books, whatever pays for it: a hold, a policy, a fresh view, and perhaps an idempotency key."""

from dataclasses import dataclass

from msgspec import Struct

from nvm_chain.errors import (
    AnswerNotKept,
    KeyReused,
    NvmChainError,
    RequestRunning,
    ViewTooOld,
)
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.admission import Policy
from nvm_chain.meter.agreements import Ask
from nvm_chain.meter.idempotency import KeyedRequest, Verdict, judge
from nvm_chain.meter.limits import Limited
from nvm_chain.meter.store.group_rows import GroupRows, Needs, StoredRequest


class KeyUse(Struct, frozen=True, gc=False):
    """An idempotency key of a request. ``scope`` names authority, service and key, and ``digest`` the request."""

    scope: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The answer to a request that came before with the same key. Nothing is held for it, and the upstream is not called."""

    answer: bytes
    hold_id: bytes


class Work(Struct, frozen=True, gc=False):
    """What a request needs of the books, whatever pays for it.

    ``seconds`` is how long the hold may stay open by the database's clock. ``max_view_age_seconds`` is how long ago the chain
    may have been read. ``limited`` says which limits count the request.
    """

    ask: Ask
    policy: Policy
    request: bytes
    owner: bytes
    seconds: Seconds
    max_view_age_seconds: Seconds = 300
    key: KeyUse | None = None
    limited: Limited | None = None

    def add_needs(self, needs: Needs) -> None:
        """Read the request that came before with the key."""
        if self.key is not None:
            needs.requests.add(self.key.scope)

    def find_kept(self, group: GroupRows) -> KeptAnswer | NvmChainError | None:
        """Return what a request with a known key gets. None if the request has to be served."""
        return None if self.key is None else find_kept(self.key, group)

    def note_key(self, group: GroupRows, hold_id: bytes) -> None:
        """Note that a request with a key is served."""
        if self.key is not None:
            note_key(self.key, group, hold_id)

    def find_old_view(self, group: GroupRows) -> NvmChainError | None:
        """Return an error if the chain was read too long ago to serve anything on credit."""
        return find_old_view(group, self.max_view_age_seconds)


def find_old_view(group: GroupRows, max_seconds: Seconds) -> NvmChainError | None:
    """Return an error if the chain was read longer ago than some seconds."""
    age = group.clock - group.head_seen_at
    return ViewTooOld(age, max_seconds) if age > max_seconds else None


def find_kept(use: KeyUse | None, group: GroupRows) -> KeptAnswer | NvmChainError | None:
    """Return what a request with a known key gets. None if the request has to be served, or came without a key."""
    if use is None:
        return None
    kept = group.requests.get(use.scope)
    verdict = judge(None if kept is None else kept.keyed, use.digest, group.now)
    if kept is None or verdict is Verdict.SERVE:
        return None
    if verdict is Verdict.REPEAT and kept.answer is not None:
        return KeptAnswer(kept.answer, kept.hold_id)
    if verdict is Verdict.REFUSE:
        return KeyReused()
    return RequestRunning() if verdict is Verdict.WAIT else AnswerNotKept(kept.hold_id.hex())


def note_key(use: KeyUse | None, group: GroupRows, hold_id: bytes) -> None:
    """Note that a request is served, if it came with a key."""
    if use is not None:
        group.put_request(StoredRequest(KeyedRequest(use.scope, use.digest), hold_id))
