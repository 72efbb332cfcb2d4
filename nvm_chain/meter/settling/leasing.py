"""The lease of a key: one process at a time settles with it, and whoever sends has it."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from eth_typing import ChecksumAddress

from nvm_chain.errors import SecondSettler
from nvm_chain.errors.fields import Seconds
from nvm_chain.meter.store.leases import give_lease_back, take_lease
from nvm_chain.meter.store.writer import Writer


@dataclass(frozen=True, slots=True)
class KeyLease:
    """The lease of one key, by the database's clock. ``seconds`` is how long it holds if nobody takes it again."""

    writer: Writer
    address: ChecksumAddress
    seconds: Seconds
    owner: bytes = field(default_factory=lambda: secrets.token_bytes(16))

    @property
    def name(self) -> str:
        """The name of the lease in the books."""
        return f"settle with {self.address}"

    def take(self) -> None:
        """Take the lease, or take it for longer.

        Raises:
            SecondSettler: Another process has it.
            IndexFailure: The books cannot be written.
        """
        until = self.writer.run(lambda store: take_lease(store, self.name, self.owner, self.seconds))
        if until is not None:
            raise SecondSettler(self.address, until)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Take the lease for the block of a ``with``, and give it back. Raises as `take` does."""
        self.take()
        try:
            yield
        finally:
            self.writer.run(lambda store: give_lease_back(store, self.name, self.owner))
