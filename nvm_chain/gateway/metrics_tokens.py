"""The token with which the operator reads ``/metrics``, as its secret is now."""

from collections.abc import Callable
from typing import Final

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.live_secrets import LiveSecrets
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.serving import FindToken

_NAME: Final = "metrics_token"


def follow_metrics_token(
    reference: str | None, secrets: Secrets, *, on_trouble: Callable[[NvmChainError], object] | None = None
) -> FindToken:
    """Return a function that returns the token as it is now. None for nobody.

    The secret can change while the gateway runs. One that is taken away, or that cannot be read, is a token no longer.

    Args:
        reference: The reference to the secret. None if nobody reads the numbers.
        secrets: The secrets.
        on_trouble: Called with the reason why the secret cannot be read again.

    Raises:
        InvalidConfig: The secret is missing. The error never shows it.
        KeyFailure: There is no key for the sealed secrets.
    """
    references = {} if reference is None else {_NAME: reference}
    live = LiveSecrets(references, secrets, lambda text, _: text, drops=True, on_trouble=on_trouble)
    return lambda: live.read().get(_NAME)
