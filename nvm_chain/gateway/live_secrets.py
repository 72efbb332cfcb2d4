"""Secrets that are read again when their files change, while the gateway runs, and are turned into what is made of them."""

import time
from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.secrets import Secrets

PAUSE_SECONDS: Final = 1
"""The shortest pause between two looks at the files of the secrets."""
Made = TypeVar("Made")


class LiveSecrets(Generic[Made]):
    """What is made of some secrets. If a new secret cannot be read or used, everything stays as it was."""

    def __init__(
        self,
        references: Mapping[str, str],
        secrets: Secrets,
        make: Callable[[str, str], Made],
        *,
        on_trouble: Callable[[NvmChainError], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read all secrets once.

        Args:
            references: The reference to each secret, by a name.
            secrets: The secrets.
            make: Returns what is made of a secret. It gets the secret and its name.
            on_trouble: Called with the reason why secrets cannot be read again, once for each reason.
            clock: The seconds of a clock that never goes back.

        Raises:
            InvalidConfig: A secret is missing, or cannot be used. The error never shows it.
            KeyFailure: There is no key for the sealed secrets.
        """
        self._references, self._secrets, self._make = references, secrets, make
        self._clock, self._on_trouble = clock, on_trouble
        self._version, self._made = secrets.version, self._read()
        self._next, self._trouble = clock() + PAUSE_SECONDS, ""

    def find(self, name: str) -> Made:
        """Return what is made of a secret, as it is now."""
        return self.read()[name]

    def read(self) -> Mapping[str, Made]:
        """Return what is made of all secrets, by name, as they are now."""
        now = self._clock()
        if now >= self._next:
            self._next = now + PAUSE_SECONDS
            self._look()
        return self._made

    def _look(self) -> None:
        try:
            self._secrets.reload_if_changed()
            if self._secrets.version != self._version:
                self._made, self._version = self._read(), self._secrets.version
            self._trouble = ""
        except NvmChainError as error:
            if self._on_trouble is not None and str(error) != self._trouble:
                self._on_trouble(error)
            self._trouble = str(error)

    def _read(self) -> dict[str, Made]:
        return {name: self._make(self._secrets.resolve(text), name) for name, text in self._references.items()}
