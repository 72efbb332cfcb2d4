"""Settings of a gateway: its services, where their requests go, and what the operator risks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from nvm_chain.errors import InvalidConfig
from nvm_chain.errors.fields import Credits, Number, Quantity, Seconds
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.limits import Limits
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.ids import format_did, parse_agent_id

EXPOSURE: Final = 1_000
"""The credits of one holder that may be served before a settlement takes them, if a service says nothing else."""
REQUEST_SECONDS: Final = 120
CONNECT_SECONDS: Final = 10
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?")
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
    upstream: str
    """The URL before every target, such as ``http://127.0.0.1:8000``. A path in it stays in front of the target."""
    public_url: str | None = None
    """The URL that the agent's endpoints have instead of the upstream's. If not given, the upstream's is also theirs."""
    auth: UpstreamHeader | None = None
    hosts: tuple[str, ...] = ()
    """Hosts of its own: every request with one of them is for this service, without a prefix in its path."""
    level: Level = Level.FULL
    """The least binding that a request voucher must have."""
    exposure: Credits = EXPOSURE
    request_seconds: Seconds = REQUEST_SECONDS
    max_open: Quantity = 16
    """On time plans: how many requests of a holder may run at the same time."""
    per_period: PeriodLimit | None = None
    """On time plans: how many requests of a holder are served in each period."""
    limits: Limits | None = None
    dynamic: bool = False
    """Whether the upstream's header ``NVMCreditsConsumed`` says what a request costs. If not, it costs the plan's lowest cost."""
    charges_failures: bool = False
    """Whether answers with a status of 400 and above are charged."""
    forwards_redirects: bool = False
    """Whether redirects to other hosts are handed on."""

    def __post_init__(self) -> None:
        """Check the values. Raises an InputError."""
        object.__setattr__(self, "did", format_did(parse_agent_id(self.did)))
        _check_base(self.upstream, "upstream")
        if self.public_url is not None:
            _check_base(self.public_url, "public URL")
        for host in self.hosts:
            if not _HOST.fullmatch(host):
                raise InvalidConfig(f"{host!r} is not a host", "give hosts in small letters, such as api.example.com")
        check_uint(self.exposure, 63, "exposure", minimum=1)
        check_uint(self.request_seconds, 32, "time of a request", minimum=1)
        check_uint(self.max_open, 32, "requests at the same time", minimum=1)

    @property
    def endpoint_base(self) -> str:
        """The URL before the target of a request, as the agent's endpoints have it."""
        return (self.public_url or self.upstream).rstrip("/")


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
    cors_origins: tuple[str, ...] = ("*",)
    """Origins of pages in browsers that may send requests. ``*`` stands for every one."""
    answer_key: bytes | None = field(default=None, repr=False)
    metrics_token: str | None = field(default=None, repr=False)
    """The bearer token with which ``/metrics`` can be read. None for nobody."""

    def __post_init__(self) -> None:
        """Check the values. Raises an InputError."""
        _check_base(self.url, "URL of the gateway")
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if self.answer_key is not None and len(self.answer_key) != 32:
            raise InvalidConfig(
                "the key of kept answers does not have 32 bytes", "make one with `nvm-chain gateway init`"
            )
        hosts = [host for service in self.services.values() for host in service.hosts]
        twice = {host for host in hosts if hosts.count(host) > 1}
        if twice:
            raise InvalidConfig(f"the host {min(twice)} belongs to two services", "give each service its own hosts")
        for did, service in self.services.items():
            if did != service.did:
                raise InvalidConfig(f"the service {did} has the settings of {service.did}", "name each by its own DID")
