"""Headers with which the gateway proves itself to upstreams, as their secrets are now."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.configuration.parts import AuthKind, UpstreamAuth
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.settings import UpstreamHeader

PAUSE: Final = 10**9
"""The shortest pause between two looks at the files of the secrets, in nanoseconds."""


def build_header(auth: UpstreamAuth, secret: str) -> UpstreamHeader:
    """Return the header that proves to an upstream who asks. Raises InvalidConfig, which does not show the secret."""
    if auth.kind is AuthKind.BASIC:
        return UpstreamHeader(auth.name, f"Basic {b64encode(f'{auth.user}:{secret}'.encode()).decode('ascii')}")
    if auth.kind is AuthKind.BEARER:
        return UpstreamHeader(auth.name, f"Bearer {secret}")
    return UpstreamHeader(auth.name, secret)


class UpstreamHeaders:
    """The headers of all upstreams. Their secrets are read again when the files change, while the gateway runs.

    If a new secret cannot be read or used, the header stays as it was.
    """

    def __init__(
        self,
        auths: Mapping[str, UpstreamAuth],
        secrets: Secrets,
        *,
        on_trouble: Callable[[NvmChainError], object] | None = None,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Read all secrets once.

        Args:
            auths: How the gateway proves itself to the upstream of each service, by DID.
            secrets: The secrets.
            on_trouble: Called with the reason why secrets cannot be read again, once for each reason.
            clock: The nanoseconds of a clock that never goes back.

        Raises:
            InvalidConfig: A secret is missing, or cannot be used. The error never shows it.
            KeyFailure: There is no key for the sealed secrets.
        """
        self._auths, self._secrets, self._clock, self._on_trouble = auths, secrets, clock, on_trouble
        self._version, self._headers = secrets.version, self._build()
        self._next, self._trouble = clock() + PAUSE, ""

    def find(self, did: str) -> UpstreamHeader | None:
        """Return the header for the upstream of a service. None if the upstream needs none."""
        now = self._clock()
        if now >= self._next:
            self._next = now + PAUSE
            self._look()
        return self._headers.get(did)

    def of(self, did: str) -> Callable[[], UpstreamHeader | None]:
        """Return a function that returns the header for the upstream of a service."""
        return lambda: self.find(did)

    def _look(self) -> None:
        try:
            self._secrets.reload_if_changed()
            if self._secrets.version != self._version:
                self._headers, self._version = self._build(), self._secrets.version
            self._trouble = ""
        except NvmChainError as error:
            if self._on_trouble is not None and str(error) != self._trouble:
                self._on_trouble(error)
            self._trouble = str(error)

    def _build(self) -> dict[str, UpstreamHeader]:
        return {did: build_header(auth, self._secrets.resolve(auth.secret)) for did, auth in self._auths.items()}
