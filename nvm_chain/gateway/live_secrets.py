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
    """What is made of some secrets, each of them apart.

    If a new secret cannot be read or used, what was made of the old one stays. For secrets of others who prove themselves with
    them, this would be wrong: whoever takes such a secret away wants it to be refused. Those are left out instead.
    """

    def __init__(
        self,
        references: Mapping[str, str],
        secrets: Secrets,
        make: Callable[[str, str], Made],
        *,
        drops: bool = False,
        on_trouble: Callable[[NvmChainError], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read all secrets once.

        Args:
            references: The reference to each secret, by a name.
            secrets: The secrets.
            make: Returns what is made of a secret. It gets the secret and its name.
            drops: Whether a secret that cannot be read or used any more is left out. If not, what was made of it stays.
            on_trouble: Called with the reason why a secret cannot be read again, once for each reason.
            clock: The seconds of a clock that never goes back.

        Raises:
            InvalidConfig: A secret is missing, or cannot be used. The error never shows it.
            KeyFailure: There is no key for the sealed secrets.
        """
        self._references, self._secrets, self._make = references, secrets, make
        self._clock, self._on_trouble, self._drops = clock, on_trouble, drops
        self._version = secrets.version
        self._made = {name: self._read(name) for name in references}
        self._next, self._troubles = clock() + PAUSE_SECONDS, dict[str, str]()

    def find(self, name: str) -> Made:
        """Return what is made of a secret, as it is now."""
        return self.read()[name]

    def read(self) -> Mapping[str, Made]:
        """Return what is made of all secrets, by name, as they are now. Those that are left out are not there."""
        now = self._clock()
        if now >= self._next:
            self._next = now + PAUSE_SECONDS
            self._look()
        return self._made

    def _look(self) -> None:
        self._secrets.reload_if_changed()
        version = self._secrets.version  # first, because another thread may load newer ones while these are read
        if version != self._version:
            self._made, self._version = self._read_again(), version

    def _read_again(self) -> dict[str, Made]:
        made: dict[str, Made] = {}
        for name in self._references:
            try:
                made[name] = self._read(name)
                self._troubles.pop(name, None)
            except NvmChainError as error:
                if not self._drops:
                    made[name] = self._made[name]
                self._tell(name, error)
        return made

    def _tell(self, name: str, error: NvmChainError) -> None:
        if self._on_trouble is not None and str(error) not in self._troubles.values():
            self._on_trouble(error)
        self._troubles[name] = str(error)

    def _read(self, name: str) -> Made:
        return self._make(self._secrets.resolve(self._references[name]), name)
