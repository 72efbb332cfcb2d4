"""Answers of requests with idempotency keys: kept for a while, or forgotten when the request was not served."""

from dataclasses import dataclass

from msgspec.structs import replace

from nvm_chain.meter.idempotency import MAX_ANSWER, KeyedRequest
from nvm_chain.meter.store.group_rows import AccountKey, GroupRows, Needs, StoredRequest
from nvm_chain.meter.store.works import KeyUse


@dataclass(frozen=True, slots=True)
class KeepAnswer:
    """Keep the answer of a request with a key. Of a long one, only its size is kept.

    ``answer`` is what the caller wants to give again, which it has encrypted. None if it wants to keep nothing.
    """

    key: AccountKey
    use: KeyUse
    size: int
    answer: bytes | None

    def add_needs(self, needs: Needs) -> None:
        """Read the request."""
        needs.accounts.add(self.key)
        needs.requests.add(self.use.scope)

    def decide(self, group: GroupRows) -> StoredRequest | None:
        """Note the answer. None if the request is not known any more."""
        known = group.requests.get(self.use.scope)
        if known is None or known.keyed.digest != self.use.digest:
            return None
        size = self.size if self.answer is not None else max(self.size, MAX_ANSWER + 1)
        keyed = KeyedRequest(self.use.scope, self.use.digest, group.now, size)
        kept = replace(known, keyed=keyed, answer=self.answer if keyed.is_small else None)
        group.put_request(kept)
        return kept
