"""Settings of a gateway: its services, where their requests go, and what the operator risks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Credits, Number, Quantity, Seconds
from nvm_chain.gateway.buying.settings import BuyingSettings
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sockets.terms import SocketTerms
from nvm_chain.gateway.webhooks.settings import WebhookSettings
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.limits import Limits
from nvm_chain.meter.notices import NoticeRule
from nvm_chain.meter.retention import Retention
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.settings import MAX_ANSWER_SECONDS, SIGN_IN_SECONDS
from nvm_chain.meter.voucher_fronts import MIN_SECONDS
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import format_did, parse_agent_id

EXPOSURE: Final = 1_000
"""The credits of one holder that may be served before a settlement takes them, if a service says nothing else."""
REQUEST_SECONDS: Final = 120
CONNECT_SECONDS: Final = 10
MAX_RUNNING: Final = 500
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
_ORIGIN: Final = re.compile(rf"https?://{_HOST.pattern}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_VISIBLE: Final = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class UpstreamHeader:
    """A header with a secret, which the gateway adds to every request to an upstream. Nobody else sees it."""

    name: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        """Check that the header can be sent. Raises InvalidConfig, which does not show the value."""
        if not _HEADER_NAME.fullmatch(self.name):
            raise InvalidConfig(f"{self.name!r} is not the name of a header", "give a name such as Authorization")
        if not self.value or not _VISIBLE.fullmatch(self.value):
            raise InvalidConfig(
                f"the secret in the header {self.name} is empty, or has a character that a header cannot have",
                "give it on one line, in ASCII",
            )


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One service: an agent on the chain, and the upstream that serves its requests.

    The plans, and what a request costs on each, are read from the chain.
    """

    did: str
    """The DID of the agent."""
    upstream: str = ""
    """The URL before every target, such as ``http://127.0.0.1:8000``. A path in it stays in front of the target.
    May be empty if the service has ``files``."""
    public_url: str | None = None
    """The URL that the agent's endpoints have instead of the upstream's. If not given, the upstream's is also theirs."""
    auth: UpstreamHeader | None = None
    files: Path | None = None
    """A folder on this machine with the agent's files. Without an upstream, every request is for a file of the folder."""
    hosts: tuple[str, ...] = ()
    """Hosts of its own: every request with one of them is for this service, without a prefix in its path."""
    level: Level = Level.FULL
    """The least binding that a request voucher must have."""
    exposure: Credits = EXPOSURE
    request_seconds: Seconds = REQUEST_SECONDS
    """How long a request may take until its answer begins, and after that, how long nothing of the answer may come or be taken."""
    max_answer_seconds: Seconds = MAX_ANSWER_SECONDS
    """How long a request may take whose answer goes on. A smaller number than ``request_seconds`` counts as that one."""
    max_running: Quantity = MAX_RUNNING
    """How many requests the upstream gets at the same time, from each process of the gateway."""
    max_open: Quantity = 16
    """On time plans: how many requests of a holder may run at the same time. On any plan: how many websockets, in each process."""
    per_period: PeriodLimit | None = None
    """On time plans: how many requests of a holder are served in each period."""
    limits: Limits | None = None
    dynamic: bool = False
    """Whether the upstream's header ``NVMCreditsConsumed`` says what a request costs. If not, it costs the plan's lowest cost."""
    charges_failures: bool = False
    """Whether answers with a status of 400 and above are charged."""
    forwards_redirects: bool = False
    """Whether redirects to other hosts are handed on."""
    websocket: SocketTerms | None = None
    """How websockets are sold. None for a service without websockets."""
    low_balance: Credits | None = None
    """The number of credits at which a holder's balance is low, so that a notice is written. None for no notice."""
    soon_seconds: Seconds | None = None
    """How long before credits or access end a notice is due. None for no notice."""
    seller: str | None = None
    """The name of the seller to whom the service belongs. None for the operator."""
    embedded_in: tuple[str, ...] = ()
    """Origins of the apps that may show the log-in of the service in a frame, such as ``https://chat.example.com``."""

    def __post_init__(self) -> None:
        """Check the values. Raises an InputError."""
        object.__setattr__(self, "did", format_did(parse_agent_id(self.did)))
        if self.upstream or self.files is None:
            _check_base(self.upstream, "upstream")
        if self.public_url is not None:
            _check_base(self.public_url, "public URL")
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise InvalidConfig(f"{host!r} is not a host", "give hosts in small letters, such as api.example.com")
        for origin in self.embedded_in:
            if not _ORIGIN.fullmatch(origin):
                raise InvalidConfig(
                    f"{origin!r} is not the origin of an app", "give origins such as https://chat.example.com"
                )
        check_uint(self.exposure, 63, "exposure", minimum=1)
        check_uint(self.request_seconds, 32, "time of a request", minimum=1)
        check_uint(self.max_answer_seconds, 32, "longest time of an answer", minimum=1)
        check_uint(self.max_running, 32, "requests that run", minimum=1)
        check_uint(self.max_open, 32, "requests at the same time", minimum=1)
        NoticeRule(self.low_balance, self.soon_seconds)

    @property
    def endpoint_base(self) -> str:
        """The URL before the target of a request, as the agent's endpoints have it."""
        return (self.public_url or self.upstream).rstrip("/")

    @property
    def longest_seconds(self) -> Seconds:
        """How long a request may take in all."""
        return max(self.request_seconds, self.max_answer_seconds)


def _check_base(url: str, noun: str) -> None:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or not re.fullmatch(r"[!-~]+", url):
        raise InvalidConfig(f"the {noun} is not an http or https URL", "give one such as http://127.0.0.1:8000")
    if parts.username is not None or parts.query or parts.fragment:
        raise InvalidConfig(
            f"the {noun} has a user name, a query or a fragment", "leave them out, and give a password as a secret"
        )


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Settings of a gateway.

    ``url`` is where buyers reach it, such as ``https://api.example.com``. ``meter`` and ``index`` are the books and the index:
    paths of files, or URLs of PostgreSQL. ``answer_key`` has 32 bytes and encrypts answers that are kept for requests with an
    idempotency key. All processes of a gateway need the same one. Without it, no answer is kept.
    """

    url: str
    meter: str = field(repr=False)
    index: str = field(repr=False)
    services: Mapping[str, ServiceSettings]
    depth: Number = 2
    max_view_age_seconds: Seconds = 300
    sign_in_seconds: Seconds = SIGN_IN_SECONDS
    """How long the tokens of sign-ins and allowances are good."""
    min_voucher_seconds: Seconds = MIN_SECONDS
    """How long a voucher has to live at least. One that ends sooner costs a settlement of its own."""
    cors_origins: tuple[str, ...] = ("*",)
    """Origins of pages in browsers that may send requests. ``*`` stands for every one."""
    answer_key: bytes | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    """The bearer token with which ``/metrics`` can be read. None for nobody."""
    sellers: Mapping[str, SellerSettings] = field(default_factory=dict)
    """Sellers who may see what belongs to them, by their names. Without any, all services are the operator's."""
    webhooks: Mapping[str, WebhookSettings] = field(default_factory=dict)
    """What is told to the operator's own programs, by the names of the webhooks."""
    retention: Retention = field(default_factory=Retention)
    """How long the books keep what they need no longer."""
    checkout: CheckoutSettings = field(default_factory=CheckoutSettings)
    """Whether signed orders of buyers are sent, and how many."""
    buying: BuyingSettings = field(default_factory=BuyingSettings)
    """Whether signed transfers of buyers are sent, and how many."""
    facilitator: FacilitatorPart | None = None
    """Which other servers may have payments settled. None for nobody."""

    def __post_init__(self) -> None:
        """Check the values. Raises an InputError."""
        _check_base(self.url, "URL of the gateway")
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if self.answer_key is not None and len(self.answer_key) != 32:
            raise InvalidConfig(
                "the key of kept answers does not have 32 bytes", "make one with `nvm-chain gateway init`"
            )
        check_uint(self.sign_in_seconds, 32, "life of a sign-in", minimum=1)
        check_uint(self.min_voucher_seconds, 32, "life of a voucher", minimum=1)
        self._check_hosts()
        self._check_tokens()
        for did, service in self.services.items():
            if did != service.did:
                raise InvalidConfig(f"the service {did} has the settings of {service.did}", "name each by its own DID")
            if service.seller not in (None, *self.sellers):
                raise InvalidConfig(
                    f"the service {did} belongs to {service.seller}, who is not a seller of this gateway",
                    "name a seller",
                )
        for name, hook in self.webhooks.items():
            if name != hook.name or hook.service not in (None, *self.services):
                raise InvalidConfig(
                    f"the webhook {name} has another name, or is for a service that this gateway does not have",
                    "name each by its own name, and give the DID of one of the services",
                )

    def _check_tokens(self) -> None:
        """Check that no two sellers have the same token. Raises InvalidConfig, which does not show it."""
        owners: dict[bytes, str] = {}
        for name, seller in self.sellers.items():
            for token in seller.tokens:
                if owners.setdefault(token.digest, name) != name:
                    raise InvalidConfig(
                        f"the sellers {owners[token.digest]} and {name} have the same token",
                        "give each seller tokens of its own",
                    )

    def _check_hosts(self) -> None:
        """Check that each host belongs to one service, and not to the gateway. Raises InvalidConfig."""
        hosts = [host for service in self.services.values() for host in service.hosts]
        twice = {host for host in hosts if hosts.count(host) > 1}
        if twice:
            raise InvalidConfig(f"the host {min(twice)} belongs to two services", "give each service its own hosts")
        own = urlsplit(self.url).hostname
        if own in hosts:
            raise InvalidConfig(
                f"the host {own} is that of the gateway, and with every port that of a service alone",
                "give the service another host, or leave `hosts` out",
            )
