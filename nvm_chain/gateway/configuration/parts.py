"""The parts of a gateway's configuration, each of which one table of the file describes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Number, Quantity
from nvm_chain.gateway.sealing.references import is_reference
from nvm_chain.gateway.sealing.sealed_files import SecretPlaces
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sellers.tokens import Role, build_token
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.webhooks.settings import WebhookSettings
from nvm_chain.meter.settling.rules import SettleRules

HOST: Final = "127.0.0.1"
PORT: Final = 8402


@dataclass(frozen=True, slots=True)
class ChainPart:
    """Which chain, as for `nvm_chain.connect`. At least one of ``network`` and ``rpc`` is given.

    ``rpc`` may be a reference to a secret, because URLs of nodes often have a key. ``deployments`` is the folder of records.
    """

    network: str | None
    rpc: str | None = field(repr=False)
    chain_id: Number | None
    credits: str | None
    agents: str | None
    deployments: Path | None


@dataclass(frozen=True, slots=True)
class RedeemerPart:
    """The key that redeems and settles, by name. Exactly one of ``keyfile``, ``key_env`` and ``dev_account`` is given.

    ``password`` is a reference to the key file's password. If there is none, NVM_CHAIN_PASSWORD has it. ``former`` are the
    addresses of keys that settled before.
    """

    keyfile: Path | None = None
    password: str | None = None
    key_env: str | None = None
    dev_account: int | None = None
    former: tuple[ChecksumAddress, ...] = ()

    @property
    def source(self) -> str:
        """What the file says of the key, for messages."""
        if self.keyfile is not None:
            return f"key file {self.keyfile}"
        if self.key_env is not None:
            return f"environment variable {self.key_env}"
        return f"development account {self.dev_account}"


@dataclass(frozen=True, slots=True)
class ListenPart:
    """Where the server listens, and with how many processes."""

    host: str = HOST
    port: Number = PORT
    workers: Quantity = 1


class AuthKind(Enum):
    """How an upstream knows that a request is from the gateway. The values are those of the file."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class UpstreamAuth:
    """How the gateway proves itself to an upstream. ``secret`` is a reference, and never the secret itself."""

    kind: AuthKind
    secret: str
    name: str = "Authorization"
    """The name of the header."""
    user: str = ""
    """The user name of ``basic``."""


@dataclass(frozen=True, slots=True)
class WebhookPart:
    """A webhook as the file has it: its secret is a reference, and its URL may be one."""

    name: str
    url: str
    secret: str
    events: tuple[str, ...]
    service: str | None

    def fill(self, fill: Callable[[str, str], str]) -> WebhookSettings:
        """Return the webhook with its secrets. ``fill`` takes the place in the file and the text. Raises InvalidConfig."""
        place = f"the webhook {self.name}"
        url, secret = fill(f"{place}, url", self.url), fill(f"{place}, secret", self.secret)
        return WebhookSettings(self.name, url, secret, self.events, self.service)

    @property
    def references(self) -> dict[str, str]:
        """The references to secrets, by the place that needs them."""
        return {f"the webhook {self.name}, url": self.url, f"the webhook {self.name}, secret": self.secret}


@dataclass(frozen=True, slots=True)
class TokenPart:
    """A token of a seller as the file has it: a reference to it, or its hash after ``sha256:``."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class SellerPart:
    """A seller as the file has it."""

    name: str
    tokens: tuple[TokenPart, ...]

    def fill(self, fill: Callable[[str, str], str]) -> SellerSettings:
        """Return the seller with the hashes of its tokens. ``fill`` takes the place in the file and the text. Raises InvalidConfig."""
        place = f"a token of the seller {self.name}"
        tokens = (build_token(each.role, fill(place, each.text), self.name) for each in self.tokens)
        return SellerSettings(self.name, tuple(tokens))


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """The configuration of a gateway, as one file has it. Paths are whole, and none of the files was opened.

    ``rules`` say when the settler settles. ``auths`` are those of the upstreams, by the DID of their service. ``settings`` and
    ``chain`` have references in place of secrets, until `nvm_chain.gateway.config.fill_secrets` has put these in. The token of
    ``/metrics`` is ``metrics_token`` until then, and the webhooks and sellers are ``webhooks`` and
    ``sellers``.
    """

    path: Path
    chain: ChainPart
    redeemer: RedeemerPart
    rules: SettleRules
    listen: ListenPart
    places: SecretPlaces
    settings: GatewaySettings
    auths: Mapping[str, UpstreamAuth] = field(default_factory=dict)
    metrics_token: str | None = None
    webhooks: Mapping[str, WebhookPart] = field(default_factory=dict)
    sellers: Mapping[str, SellerPart] = field(default_factory=dict)
    minter: RedeemerPart | None = None
    """The key that grants plans for transfers."""

    @property
    def folder(self) -> Path:
        """The folder of the file, to which its paths belong."""
        return self.path.parent

    @property
    def references(self) -> dict[str, str]:
        """Every reference to a secret, by the place that needs it."""
        texts = {
            "[chain] rpc": self.chain.rpc,
            "[gateway] meter": self.settings.meter,
            "[gateway] index": self.settings.index,
            "[gateway] metrics_token": self.metrics_token,
            "[redeemer] password": self.redeemer.password,
            "[x402] minter password": None if self.minter is None else self.minter.password,
            **{f"the auth of {did}": auth.secret for did, auth in self.auths.items()},
            **{place: text for part in self.webhooks.values() for place, text in part.references.items()},
            **{
                f"token {number} of the seller {name}": token.text
                for name, part in self.sellers.items()
                for number, token in enumerate(part.tokens, start=1)
            },
        }
        return {place: text for place, text in texts.items() if text is not None and is_reference(text)}

    def change_places(self, **settings: str) -> "GatewayConfig":
        """Return the configuration with other texts in its settings."""
        return replace(self, settings=replace(self.settings, **settings))  # type: ignore[arg-type]
