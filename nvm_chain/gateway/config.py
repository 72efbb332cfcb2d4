"""The configuration file of a gateway: read from TOML, checked, and filled with its secrets."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from nvm_chain.chain.networks import EMBEDDED
from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.configuration.buying import KEYS as BUYING
from nvm_chain.gateway.configuration.buying import read_buying, read_minter_part
from nvm_chain.gateway.configuration.checkout import KEYS as CHECKOUT
from nvm_chain.gateway.configuration.checkout import read_checkout
from nvm_chain.gateway.configuration.facilitator import KEYS as FACILITATOR
from nvm_chain.gateway.configuration.facilitator import read_facilitator
from nvm_chain.gateway.configuration.parts import (
    HOST,
    PORT,
    ChainPart,
    GatewayConfig,
    ListenPart,
    RedeemerPart,
    UpstreamAuth,
)
from nvm_chain.gateway.configuration.retention import KEYS as RETENTION
from nvm_chain.gateway.configuration.retention import read_retention
from nvm_chain.gateway.configuration.sellers import read_sellers
from nvm_chain.gateway.configuration.services import KEYS, MOST, MOST_CREDITS, read_reference, read_services
from nvm_chain.gateway.configuration.tables import Table, find_nearest
from nvm_chain.gateway.configuration.webhooks import read_webhooks
from nvm_chain.gateway.sealing.references import is_reference, parse_reference
from nvm_chain.gateway.sealing.sealed_files import SecretPlaces
from nvm_chain.gateway.secrets import Secrets
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.gateway.upstream_headers import build_header
from nvm_chain.meter.settings import DEPTH, MAX_VIEW_AGE_SECONDS, SIGN_IN_SECONDS
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.voucher_fronts import MIN_SECONDS
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.paths import parse_path

NAME: Final = "gateway.toml"
"""The name that a configuration file usually has."""
MAX_FILE: Final = 2**20
TABLES: Final[dict[str, tuple[str, ...]]] = {
    "chain": ("network", "rpc", "chain_id", "credits", "agents", "deployments"),
    "gateway": (
        *("url", "host", "port", "workers", "cors_origins"),
        *("meter", "index", "depth", "max_view_age", "sign_in", "min_voucher", "metrics_token"),
    ),
    "redeemer": ("keyfile", "password", "key_env", "dev_account", "former"),
    "settler": ("age", "max_credits", "exposure_percent", "margin", "stuck", "max_fee_percent"),
    "checkout": CHECKOUT,
    "x402": BUYING,
    "facilitator": FACILITATOR,
    "retention": RETENTION,
    "secrets": ("file", "key_file"),
}
"""The tables of the file, and the keys of each. Tables in lists are apart."""
LISTS: Final = ("services", "webhooks", "sellers")
"""The tables in lists, each of which the file may have several times."""
_OWNERS: Final = {
    **dict.fromkeys(KEYS, "[[services]]"),
    **{key: f"[{table}]" for table, keys in TABLES.items() for key in keys},
}
"""The table of each key."""
_KEYS_OF_REDEEMER: Final = ("keyfile", "key_env", "dev_account")
_WHERE: Final = re.compile(r"\(at (.*)\)$")


def read_config(path: Path | str) -> GatewayConfig:
    """Return the configuration in a file. Opens no other file, and asks nobody.

    Paths in the file belong to the file's folder. In place of secrets, the file has references to them.

    Raises:
        InvalidConfig: The file cannot be read, or a key is unknown, missing or malformed. The error names the file, the table, the
            key and what to do, and shows none of the values.
    """
    place = parse_path(path, "configuration file").absolute()
    values, file = _load(place), place.name
    tables = {name: Table(file, f"[{name}]", values.get(name, {}), keys, _OWNERS) for name, keys in TABLES.items()}
    services, auths = read_services(file, values.get("services"), place.parent)
    sellers = read_sellers(file, values.get("sellers"), services)
    gateway = tables["gateway"]
    gateway.require("url", "write the URL at which buyers reach the gateway, such as https://api.example.com")
    listen = _read_listen(gateway)
    retention = read_retention(tables["retention"])
    own = {name: SellerSettings(name) for name in sellers}
    checkout = read_checkout(tables["checkout"])
    facilitator = read_facilitator(tables["facilitator"])
    more = {"services": services, "sellers": own, "retention": retention, "checkout": checkout}
    more["facilitator"], more["buying"] = facilitator, read_buying(tables["x402"])
    settings = _read_settings(gateway, place.parent, **more)
    _check_databases(gateway, settings, listen)
    return GatewayConfig(
        path=place,
        chain=_read_chain(tables["chain"], place.parent),
        redeemer=_read_redeemer(tables["redeemer"], place.parent),
        minter=read_minter_part(tables["x402"], place.parent),
        rules=_read_rules(tables["settler"]),
        listen=listen,
        places=_read_places(tables["secrets"], place.parent),
        settings=settings,
        auths=auths,
        webhooks=read_webhooks(file, values.get("webhooks"), services),
        sellers=sellers,
        metrics_token=read_reference(gateway, "metrics_token") if "metrics_token" in gateway else None,
    )


def read_places(path: Path | str) -> SecretPlaces:
    """Return where the sealed secrets of a configuration are. The rest of the file may be wrong. Raises InvalidConfig."""
    place = parse_path(path, "configuration file").absolute()
    return _read_places(
        Table(place.name, "[secrets]", _load(place).get("secrets", {}), TABLES["secrets"]), place.parent
    )


def open_secrets(config: GatewayConfig) -> Secrets:
    """Return the secrets of a configuration. Reads none of them yet."""
    return Secrets(config.places, config.folder)


def fill_secrets(config: GatewayConfig, secrets: Secrets) -> GatewayConfig:
    """Return the configuration with its secrets in place of references: URLs, headers of upstreams, tokens and keys.

    Raises:
        InvalidConfig: A secret is missing, or cannot be used. The error never shows it.
        KeyFailure: There is no key for the sealed secrets.
    """

    def fill(place: str, text: str) -> str:
        try:
            return secrets.resolve(text) if is_reference(text) else text
        except InvalidConfig as error:
            raise InvalidConfig(f"{config.path.name}, {place}: {error.reason}", error.advice) from None

    def fill_service(did: str, auth: UpstreamAuth) -> Any:
        return build_header(auth, fill(f"the auth of {did}", auth.secret))

    settings, chain = config.settings, config.chain
    services = {
        did: replace(own, auth=fill_service(did, config.auths[did])) if did in config.auths else own
        for did, own in settings.services.items()
    }
    token = config.metrics_token
    return replace(
        config,
        chain=replace(chain, rpc=None if chain.rpc is None else fill("[chain] rpc", chain.rpc)),
        settings=replace(
            settings,
            meter=fill("[gateway] meter", settings.meter),
            index=fill("[gateway] index", settings.index),
            services=services,
            answer_key=secrets.answer_key,
            metrics_token=None if token is None else fill("[gateway] metrics_token", token),
            webhooks={name: part.fill(fill) for name, part in config.webhooks.items()},
            sellers={name: part.fill(fill) for name, part in config.sellers.items()},
        ),
    )


def find_books(config: GatewayConfig, secrets: Secrets) -> str:
    """Return where the books are, with the secret in it if they have one. Raises InvalidConfig or KeyFailure."""
    where = config.settings.meter
    return secrets.resolve(where) if is_reference(where) else where


# ---------------------------------------------------------------- the file


def _load(path: Path) -> dict[str, Any]:
    advice = "make one with `nvm-chain gateway init`, or name another one with --config"
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise InvalidConfig(f"{path} is larger than a configuration file can be", advice)
        values = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read ({error.strerror})", advice) from None
    except UnicodeDecodeError:
        raise InvalidConfig(f"{path} is not text in UTF-8", "save it as UTF-8") from None
    except RecursionError:
        raise InvalidConfig(f"{path} has a list or a table in too many others", "write values on one level") from None
    except tomllib.TOMLDecodeError as error:
        found = _WHERE.search(str(error))
        place = f" at {found[1]}" if found else ""
        raise InvalidConfig(f"{path} is not TOML{place}", "correct that line. A text has quotes around it") from None
    for name in values:
        if name not in (*TABLES, *LISTS):
            raise _refuse_table(path.name, name)
    return values


def _refuse_table(file: str, name: str) -> InvalidConfig:
    known = (*TABLES, *LISTS)
    nearest = find_nearest(name, known)
    if name in _OWNERS:
        return InvalidConfig(f"{file}: the key `{name}` is in front of all tables", f"write it below {_OWNERS[name]}")
    meant = f"did you mean `{nearest}`? " if nearest else ""
    return InvalidConfig(
        f"{file}: `{name[:40]}` is not a table of this file", f"{meant}The tables are {', '.join(known)}"
    )


# ---------------------------------------------------------------- tables


def _read_chain(table: Table, folder: Path) -> ChainPart:
    if "network" not in table and "rpc" not in table:
        raise table.refuse("rpc", "is missing", "write the URL of a node, or the name of a known network as `network`")
    if table.find_text("network") == EMBEDDED:
        raise table.refuse(
            "network", "is a chain that ends with its process", "start a node such as anvil, and write its URL as `rpc`"
        )
    rpc = table.find_text("rpc")
    if rpc is not None and is_reference(rpc):
        read_reference(table, "rpc")
    for name in ("credits", "agents"):
        if name in table:
            with table.naming(name):
                parse_address(table.read_text(name), "address")
    deployments = table.find_text("deployments")
    return ChainPart(
        network=table.find_text("network"),
        rpc=rpc,
        chain_id=table.read_number("chain_id", 0, 1, MOST_CREDITS) if "chain_id" in table else None,
        credits=table.find_text("credits"),
        agents=table.find_text("agents"),
        deployments=None if deployments is None else _find_path(deployments, folder),
    )


def _read_redeemer(table: Table, folder: Path) -> RedeemerPart:
    given = [key for key in _KEYS_OF_REDEEMER if key in table]
    if len(given) != 1:
        problem = "are there together" if given else "are missing"
        raise table.refuse(
            "`, `".join(given or _KEYS_OF_REDEEMER),
            problem,
            "write exactly one of `keyfile`, `key_env` and `dev_account`",
        )
    if "password" in table and "keyfile" not in table:
        raise table.refuse("password", "is there without a key file", "leave it out, or write `keyfile`")
    keyfile = table.find_text("keyfile")
    with table.naming("former"):
        former = tuple(parse_address(each, "address") for each in table.read_texts("former"))
    variable = table.find_text("key_env")
    if variable is not None:
        with table.naming("key_env"):
            parse_reference(f"env:{variable}")
    return RedeemerPart(
        keyfile=None if keyfile is None else _find_path(keyfile, folder),
        password=read_reference(table, "password") if "password" in table else None,
        key_env=variable,
        dev_account=table.read_number("dev_account", 0, 0, 9) if "dev_account" in table else None,
        former=former,
    )


def _read_rules(table: Table) -> SettleRules:
    usual = SettleRules()
    return SettleRules(
        credits=table.read_number("max_credits", usual.credits, 1, MOST_CREDITS),
        age_seconds=table.read_duration("age", usual.age_seconds),
        exposure_percent=table.read_number("exposure_percent", usual.exposure_percent, 1, 100),
        margin_seconds=table.read_duration("margin", usual.margin_seconds),
        stuck_seconds=table.read_duration("stuck", usual.stuck_seconds),
        max_fee_percent=table.read_number("max_fee_percent", usual.max_fee_percent, 100, MOST),
    )


def _read_settings(gateway: Table, folder: Path, **more: Any) -> GatewaySettings:
    with gateway.naming():
        return GatewaySettings(
            url=gateway.read_text("url"),
            meter=_read_database(gateway, "meter", folder),
            index=_read_database(gateway, "index", folder),
            depth=gateway.read_number("depth", DEPTH, 0, 2**16 - 1),
            max_view_age_seconds=gateway.read_duration("max_view_age", MAX_VIEW_AGE_SECONDS),
            sign_in_seconds=gateway.read_duration("sign_in", SIGN_IN_SECONDS),
            min_voucher_seconds=gateway.read_duration("min_voucher", MIN_SECONDS),
            cors_origins=gateway.read_texts("cors_origins", ("*",)),
            **more,
        )


def _read_listen(table: Table) -> ListenPart:
    return ListenPart(
        host=table.read_text("host", HOST),
        port=table.read_number("port", PORT, 1, 65_535),
        workers=table.read_number("workers", 1, 1, MOST),
    )


def _read_places(table: Table, folder: Path) -> SecretPlaces:
    sealed, key_file = table.read_text("file", "secrets.sealed"), table.read_text("key_file", "gateway.key")
    return SecretPlaces(_find_path(sealed, folder), _find_path(key_file, folder))


# ---------------------------------------------------------------- databases and paths


def _read_database(table: Table, key: str, folder: Path) -> str:
    """Return a URL of PostgreSQL, a reference, or the whole path of a file."""
    text = table.read_text(key, f"{key}.db")
    if is_reference(text):
        return read_reference(table, key)
    if "://" not in text or text.startswith("sqlite:///"):
        return str(_find_path(text.removeprefix("sqlite:///"), folder))
    try:
        has_password = urlsplit(text).password is not None
    except ValueError:
        has_password = False
    if has_password:
        raise table.refuse(key, "has a password", f'write {key} = "env:NAME", and the whole URL into that variable')
    return text


def _check_databases(table: Table, settings: GatewaySettings, listen: ListenPart) -> None:
    if settings.meter == settings.index:
        raise table.refuse("index", "is the same database as `meter`", "give each of the two a database of its own")
    own = urlsplit(settings.url).netloc.lower()
    for did, service in settings.services.items():
        if own in service.hosts:
            raise table.refuse(
                "url", f"has the host {own}, and the service {did} has it too", "give the service another host, or none"
            )
    if listen.workers > 1 and not is_reference(settings.meter) and "://" not in settings.meter:
        advice = "keep the books in PostgreSQL: write its URL as `meter`. Or write workers = 1"
        raise table.refuse("workers", "is more than one, and the books are in a file, which one process has", advice)


def _find_path(text: str, folder: Path) -> Path:
    return folder / parse_path(text, "path")
