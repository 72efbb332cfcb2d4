"""Headers with which the gateway proves itself to upstreams, as their secrets are now."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.configuration.parts import AuthKind, UpstreamAuth
from nvm_chain.gateway.live_secrets import PAUSE_SECONDS, LiveSecrets
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.settings import UpstreamHeader

NANOSECONDS: Final = 10**9
PAUSE: Final = PAUSE_SECONDS * NANOSECONDS
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

    If a new secret cannot be read or used, its header stays as it was.
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
        references = {did: auth.secret for did, auth in auths.items()}

        def build(secret: str, did: str) -> UpstreamHeader:
            return build_header(auths[did], secret)

        self._live = LiveSecrets(references, secrets, build, on_trouble=on_trouble, clock=lambda: clock() / NANOSECONDS)

    def find(self, did: str) -> UpstreamHeader | None:
        """Return the header for the upstream of a service. None if the upstream needs none."""
        return self._live.read().get(did)

    def of(self, did: str) -> Callable[[], UpstreamHeader | None]:
        """Return a function that returns the header for the upstream of a service."""
        return lambda: self.find(did)
