"""The tokens of sellers that a configuration names, as their secrets are now."""

from collections.abc import Callable, Mapping, Sequence

from nvm_chain.errors import NvmChainError
from nvm_chain.gateway.configuration.parts import SellerPart, TokenPart
from nvm_chain.gateway.live_secrets import LiveSecrets
from nvm_chain.gateway.sealing.references import is_reference
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.sellers.tokens import SellerToken, build_token


class SellerTokens:
    """The tokens of all sellers. A token behind a reference can change while the gateway runs.

    A token that is taken away, or that cannot be read or used, is a token no longer.
    """

    def __init__(
        self,
        sellers: Mapping[str, SellerPart],
        secrets: Secrets,
        *,
        on_trouble: Callable[[NvmChainError], object] | None = None,
    ) -> None:
        """Read all tokens once. Raises InvalidConfig or KeyFailure, and the error never shows a token."""
        self._tokens: dict[str, tuple[str, TokenPart]] = {
            f"{name} {number}": (name, token)
            for name, part in sellers.items()
            for number, token in enumerate(part.tokens)
        }
        references = {place: token.text for place, (_, token) in self._tokens.items() if is_reference(token.text)}
        self._live = LiveSecrets(references, secrets, self._build, drops=True, on_trouble=on_trouble)

    def read(self) -> Mapping[str, Sequence[SellerToken]]:
        """Return the tokens of each seller, by name, as they are now."""
        live, found = self._live.read(), dict[str, list[SellerToken]]()
        for place, (seller, token) in self._tokens.items():
            some = found.setdefault(seller, [])
            if place in live:
                some.append(live[place])
            elif not is_reference(token.text):
                some.append(self._build(token.text, place))
        return found

    def _build(self, text: str, place: str) -> SellerToken:
        seller, token = self._tokens[place]
        return build_token(token.role, text, seller)
