"""The tables `[[services]]` of a configuration file: each is one agent and the upstream that serves its requests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from nvm_chain.errors import InputError, InvalidConfig
from nvm_chain.gateway.configuration.parts import AuthKind, UpstreamAuth
from nvm_chain.gateway.configuration.tables import Table, read_if
from nvm_chain.gateway.sealing.references import HOW, is_reference, parse_reference
from nvm_chain.gateway.settings import EXPOSURE, MAX_RUNNING, REQUEST_SECONDS, ServiceSettings, UpstreamHeader
from nvm_chain.gateway.sockets.terms import IDLE_SECONDS, MAX_BYTES, SocketTerms, Unit
from nvm_chain.meter.bindings import Level
from nvm_chain.meter.limits import Limits, Rate
from nvm_chain.meter.session_terms import PeriodLimit
from nvm_chain.meter.settings import MAX_ANSWER_SECONDS
from nvm_chain.types.durations import DAY, MINUTE
from nvm_chain.types.ids import parse_agent_id
from nvm_chain.types.paths import parse_path

KEYS: Final = (
    *("did", "upstream", "files", "public_url", "hosts", "auth"),
    *("level", "exposure", "request_seconds", "max_answer_seconds", "max_running", "max_open", "per_period", "limits"),
    *("dynamic", "charges_failures", "forwards_redirects", "warnings", "seller", "websocket", "embedded_in"),
)
MOST_CREDITS: Final = 2**63 - 1
MOST: Final = 2**32 - 1
MOST_BYTES: Final = 2**26
"""The largest message of a websocket that a service may allow. A server keeps a message in memory until it is whole."""
RESERVED: Final = frozenset(
    (
        *(
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "te",
            "trailer",
            "upgrade",
            "expect",
        ),
        *("payment-required", "payment-signature", "payment-response"),
    )
)
"""Headers that belong to the connection or to payments, so they cannot have a secret."""
NO_DID: Final = (
    'write the number that `nvm-chain agent register` has shown, such as "7", or the DID. Register an agent first if there is none',
    "write where your service listens, such as http://127.0.0.1:8000",
)


def read_services(file: str, values: Any, folder: Path) -> tuple[dict[str, ServiceSettings], dict[str, UpstreamAuth]]:
    """Return the services by their DIDs, and the auth of their upstreams. Paths belong to a folder. Raises InvalidConfig."""
    if not isinstance(values, list) or not values:
        advice = "write [[services]], and `did` and `upstream` below it"
        raise InvalidConfig(f"{file}: there is no table [[services]]", advice)
    services: dict[str, ServiceSettings] = {}
    auths: dict[str, UpstreamAuth] = {}
    for number, given in enumerate(values, start=1):
        table = Table(file, f"[[services]] number {number}", given, KEYS)
        service = _read_service(table, folder)
        if service.did in services:
            raise table.refuse("did", "is that of another service of the file", "write each service once")
        services[service.did] = service
        auth = read_if(table.read_table("auth", ("type", "secret", "name", "user")), _read_auth)
        if auth is not None:
            auths[service.did] = auth
    return services, auths


def _read_service(table: Table, folder: Path) -> ServiceSettings:
    for key, advice in zip(("did",) if "files" in table else ("did", "upstream"), NO_DID, strict=False):
        table.require(key, advice)
    did = table.read_text("did")
    try:
        parse_agent_id(did)
    except InputError:
        raise table.refuse("did", "is not the DID of an agent", NO_DID[0]) from None
    files = table.find_text("files")
    per_period = read_if(
        table.read_table("per_period", ("requests", "every")), lambda each: _read_period(each, "requests", MOST)
    )
    limits = read_if(table.read_table("limits", ("rate", "quota", "releases")), _read_limits)
    with table.naming():
        return ServiceSettings(
            did=did,
            upstream=table.find_text("upstream") or "",
            files=None if files is None else folder / parse_path(files, "folder of files"),
            public_url=table.find_text("public_url"),
            hosts=table.read_texts("hosts"),
            level=table.read_choice("level", Level, Level.FULL),
            exposure=table.read_number("exposure", EXPOSURE, 1, MOST_CREDITS),
            request_seconds=table.read_number("request_seconds", REQUEST_SECONDS, 1, MOST),
            max_answer_seconds=table.read_number("max_answer_seconds", MAX_ANSWER_SECONDS, 1, MOST),
            max_running=table.read_number("max_running", MAX_RUNNING, 1, MOST),
            max_open=table.read_number("max_open", 16, 1, MOST),
            per_period=per_period,
            limits=limits,
            **_read_more(table),
        )


def _read_more(table: Table) -> dict[str, Any]:
    """Return the seller, how websockets are sold, and what is done with answers."""
    flags = ("dynamic", "charges_failures", "forwards_redirects")
    return {
        **{flag: table.read_flag(flag, default=False) for flag in flags},
        "seller": table.find_text("seller"),
        "embedded_in": table.read_texts("embedded_in"),
        "websocket": read_if(table.read_table("websocket", ("per", "max_bytes", "idle")), _read_websocket),
        **_read_warnings(table.read_table("warnings", ("low_balance", "soon"))),
    }


def _read_warnings(table: Table | None) -> dict[str, Any]:
    """Return the thresholds of notices."""
    if table is None:
        return {}
    return {
        "low_balance": table.read_number("low_balance", 0, 0, MOST_CREDITS) if "low_balance" in table else None,
        "soon_seconds": table.read_duration("soon", DAY) if "soon" in table else None,
    }


# ---------------------------------------------------------------- limits


def _read_period(table: Table, noun: str, most: int) -> PeriodLimit:
    table.require(noun, f"write how many {noun}, and `every` for the period")
    return PeriodLimit(table.read_number(noun, 1, 1, most), table.read_duration("every", DAY))


def _read_rate(table: Table) -> Rate:
    table.require("requests", "write how many requests, and `every` for the period")
    return Rate(table.read_number("requests", 1, 1, MOST), table.read_duration("every", MINUTE))


def _read_limits(table: Table) -> Limits:
    releases = table.read_number("releases", 1, 1, MOST) if "releases" in table else None
    rate = read_if(table.read_table("rate", ("requests", "every")), _read_rate)
    quota = read_if(
        table.read_table("quota", ("credits", "every")), lambda each: _read_period(each, "credits", MOST_CREDITS)
    )
    return Limits(rate, quota, releases)


# ---------------------------------------------------------------- websockets


def _read_websocket(table: Table) -> SocketTerms:
    table.require("per", f'write per = "{Unit.MESSAGE.value}", or "{Unit.MINUTE.value}"')
    return SocketTerms(
        table.read_choice("per", Unit, Unit.MESSAGE),
        max_bytes=table.read_number("max_bytes", MAX_BYTES, 1, MOST_BYTES),
        idle_seconds=table.read_duration("idle", IDLE_SECONDS),
    )


# ---------------------------------------------------------------- upstream


_NEEDED: Final[dict[AuthKind, Sequence[str]]] = {
    AuthKind.NONE: (),
    AuthKind.BASIC: ("user", "secret"),
    AuthKind.BEARER: ("secret",),
    AuthKind.HEADER: ("name", "secret"),
}
"""The keys that each kind of auth has."""


def _read_auth(table: Table) -> UpstreamAuth | None:
    table.require("type", f'write type = "bearer", or another of {", ".join(kind.value for kind in AuthKind)}')
    kind = table.read_choice("type", AuthKind, AuthKind.NONE)
    for key in _NEEDED[kind]:
        table.require(
            key, f'auth of the type "{kind.value}" needs {" and ".join(f"`{each}`" for each in _NEEDED[kind])}'
        )
    for key in ("user", "name", "secret"):
        if key in table and key not in _NEEDED[kind]:
            raise table.refuse(
                key, f'does not belong to auth of the type "{kind.value}"', f"leave `{key}` out, or change `type`"
            )
    if kind is AuthKind.NONE:
        return None
    return UpstreamAuth(
        kind,
        read_reference(table, "secret"),
        _read_name(table) if kind is AuthKind.HEADER else "Authorization",
        _read_user(table),
    )


def read_reference(table: Table, key: str) -> str:
    """Return a reference to a secret. A secret itself is refused, and the error does not show it. Raises InvalidConfig."""
    text = table.read_text(key)
    if not is_reference(text):
        raise table.refuse(key, "is not a reference to a secret", HOW)
    with table.naming(key):
        parse_reference(text)
    return text


def _read_name(table: Table) -> str:
    name = table.read_text("name")
    with table.naming("name"):
        UpstreamHeader(name, "x")
    if name.lower() in RESERVED:
        raise table.refuse(
            "name", "is a header that the gateway sets itself", "write the header that your service reads"
        )
    return name


def _read_user(table: Table) -> str:
    user = table.find_text("user") or ""
    if ":" in user or not user.isprintable():
        raise table.refuse(
            "user", "has a colon or a control character", "write the user name alone, and the password as `secret`"
        )
    return user
