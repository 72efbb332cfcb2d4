"""A gateway that runs: the application of a configuration file, on uvicorn, with one process or several."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Any, Final

import uvicorn

from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import find_record
from nvm_chain.errors import InvalidConfig
from nvm_chain.gateway.app import GatewayApp
from nvm_chain.gateway.checks.findings import Verdict
from nvm_chain.gateway.checks.settings import check_listening
from nvm_chain.gateway.config import fill_secrets, open_secrets, read_config
from nvm_chain.gateway.configuration.parts import GatewayConfig
from nvm_chain.gateway.connecting import open_chain, read_minter, read_redeemer
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.live_secrets import LiveSecrets
from nvm_chain.gateway.logs import log_as_json
from nvm_chain.gateway.metrics_tokens import follow_metrics_token
from nvm_chain.gateway.opening import build_gateway, tell
from nvm_chain.gateway.seller_tokens import SellerTokens
from nvm_chain.gateway.sockets.protocols import BoundedSocketProtocol, find_frame_limit
from nvm_chain.gateway.sockets.terms import MAX_BYTES
from nvm_chain.gateway.upstream_headers import UpstreamHeaders
from nvm_chain.gateway.webhooks.signing import parse_secrets

CONFIG_VARIABLE: Final = "NVM_CHAIN_GATEWAY_CONFIG"
"""The variable that names the configuration file for a server that starts the application by its name."""
STOP_SECONDS: Final = 30
"""How long requests that run may take to end, after the gateway was told to stop."""
BACKLOG: Final = 2_048
MAX_CONNECTIONS: Final = 4_096
"""How many connections of buyers a process has. More are answered with 503."""
PING_SECONDS: Final = 20
"""How often a buyer's websocket is asked whether it is still there, and how long its answer may take."""


def build_app(path: Path | str) -> GatewayApp:
    """Return the ASGI application of a configuration file. Connects to the chain, and reads the redeemer's key.

    Raises:
        InvalidConfig: The file or a secret cannot be used.
        KeyFailure: The redeemer's key or the key of the secrets cannot be read.
        NetworkError: The node does not answer, or serves another chain.
        DeploymentError: The contracts are not where they should be.
    """
    config = read_config(path)
    secrets = open_secrets(config)
    filled = fill_secrets(config, secrets)
    if not filled.settings.services:
        raise InvalidConfig(
            f"{config.path.name} has no service", "write a table [[services]] with a did and an upstream"
        )
    chain = open_chain(filled)
    headers = UpstreamHeaders(config.auths, secrets, on_trouble=tell)
    hooks = {name: part.secret for name, part in config.webhooks.items()}
    keys = LiveSecrets(hooks, secrets, parse_secrets, on_trouble=tell)
    tokens = SellerTokens(config.sellers, secrets, on_trouble=tell)
    return build_gateway(
        lambda: open_chain(filled),
        read_redeemer(filled, secrets, chain),
        filled.settings,
        rules=filled.rules,
        first_block=_find_first_block(filled, chain),
        renews=bool(chain.accounts),
        find_header=headers.find,
        former_redeemers=filled.redeemer.former,
        minter=read_minter(filled, secrets, chain),
        find_webhook_keys=keys.find,
        find_seller_tokens=tokens.read,
        find_metrics_token=follow_metrics_token(config.metrics_token, secrets, on_trouble=tell),
    )


def build_app_from_environment() -> GatewayApp:
    """Return the application of the configuration file that the environment names, or of ``gateway.toml``.

    Any ASGI server can start it: ``granian --interface asgi --factory nvm_chain.gateway.running:build_app_from_environment``.
    """
    log_as_json()
    return build_app(os.environ.get(CONFIG_VARIABLE, "gateway.toml"))


def run_gateway(config: GatewayConfig, *, on_start: Callable[[], object] | None = None) -> None:
    """Serve until Ctrl-C or SIGTERM. Requests that run are finished first.

    Args:
        config: The configuration. With several workers, each of them is a process that reads the file again.
        on_start: Called when the only process serves.

    Raises:
        InvalidConfig: The file or a secret cannot be used, or nothing can listen on its address.
        NvmChainError: What `build_app` raises, or the books cannot be opened.
    """
    _check_listening(config)
    listen, options = config.listen, _build_options(config)
    if listen.workers > 1:
        os.environ[CONFIG_VARIABLE] = str(config.path)
        factory = f"{__name__}:{build_app_from_environment.__name__}"
        uvicorn.run(factory, factory=True, workers=listen.workers, **options)
        return
    end_logs = log_as_json()
    try:
        app = build_app(config.path)
        server = PatientServer(uvicorn.Config(app, lifespan="on", **options), on_start)
        asyncio.run(server.serve())
    except SystemExit:  # how uvicorn ends when the application could not start
        if app.failure is None:
            raise
    finally:
        end_logs()
    if app.failure is not None:
        raise app.failure


def _check_listening(config: GatewayConfig) -> None:
    """Check that the server can listen. It would say otherwise in its log alone. Raises InvalidConfig."""
    for found in check_listening(config):
        if found.verdict is not Verdict.GOOD:
            raise InvalidConfig(found.text.rstrip("."), (found.next_step or "").rstrip("."))


def _build_options(config: GatewayConfig) -> dict[str, Any]:
    """Return the options of uvicorn."""
    return build_server_options(config.listen.host, config.listen.port) | {
        "ws": BoundedSocketProtocol,
        "ws_max_size": find_frame_limit(_find_largest_message(config)),
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PING_SECONDS,
    }


def build_server_options(host: str, port: int) -> dict[str, Any]:
    """Return the options of uvicorn that every server of this package has."""
    return {
        "host": host,
        "port": port,
        "log_level": "warning",
        "log_config": None,
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "backlog": BACKLOG,
        "http": BoundedProtocol,
        "limit_concurrency": MAX_CONNECTIONS,
        "timeout_graceful_shutdown": STOP_SECONDS,
    }


class PatientServer(uvicorn.Server):
    """A server whose process ends with code 0 after it was told to stop. uvicorn's own would end by the signal again."""

    def __init__(self, config: uvicorn.Config, on_start: Callable[[], object] | None) -> None:
        super().__init__(config)
        self._on_start = on_start

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM stop the server for the time of the block."""
        with _stopping_by(self.handle_exit):
            yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start to serve, and say so."""
        await super().startup(sockets)
        if self.started and not self.should_exit and self._on_start is not None:
            self._on_start()


@contextmanager
def _stopping_by(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM call a function for the time of the block."""
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _find_largest_message(config: GatewayConfig) -> int:
    """Return the size of the largest message that a service takes. Each service has a limit of its own besides."""
    services = config.settings.services.values()
    return max((each.websocket.max_bytes for each in services if each.websocket is not None), default=MAX_BYTES)


def _find_first_block(config: GatewayConfig, chain: Chain) -> int:
    """Return the block in which Credits was deployed, by its record. 0 if nothing says it."""
    folder = config.chain.deployments or config.folder / "deployments"
    record = find_record(chain.chain_id, folder)
    return record.block_number or 0 if record is not None and record.address == chain.credits.address else 0
