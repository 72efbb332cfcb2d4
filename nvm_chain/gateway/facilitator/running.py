"""A facilitator that runs alone: its books, its key and its callers, on the same server as a gateway."""

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvicorn

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, NvmChainError
from nvm_chain.errors.fields import Number
from nvm_chain.gateway.facilitator.app import FacilitatorApp
from nvm_chain.gateway.facilitator.paths import FacilitatorPaths
from nvm_chain.gateway.facilitator.working import following_settlements, open_facilitator
from nvm_chain.gateway.logs import log_as_json
from nvm_chain.gateway.running import PatientServer, build_server_options
from nvm_chain.meter.store.opening import open_store
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer
from nvm_chain.x402.facilitator.callers import LOOPBACK_CALLER, Caller, read_callers
from nvm_chain.x402.facilitator.settings import FacilitatorSettings

HOST: Final = "127.0.0.1"
PORT: Final = 8403
STORE: Final = "facilitator.db"

logger: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a facilitator listens, where its books are, and who may ask."""

    store: str
    callers: tuple[Caller, ...]
    host: str = HOST
    port: Number = PORT


def read_place(*, store: str, token_file: Path | None, host: str, port: Number) -> Place:
    """Return where a facilitator is, and its callers. Without a file of tokens, everybody on this machine may ask.

    Args:
        store: The path of a file of SQLite, or a URL of PostgreSQL.
        token_file: The file with a name and a hash on each line.
        host: The address to listen on.
        port: The port.

    Raises:
        InvalidConfig: The file cannot be read or is malformed, or there is none and the address is not of this machine alone.
    """
    if token_file is not None:
        try:
            text = token_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise InvalidConfig(
                f"the file of tokens {token_file} cannot be read ({reason})", "name another one"
            ) from None
        return Place(store, read_callers(text), host, port)
    if not _is_loopback(host):
        raise InvalidConfig(
            f"a facilitator without tokens listens on this machine alone, and not on {host}",
            "give --token-file with a name and the hash of a token on each line, or leave --host out",
        )
    return Place(store, (LOOPBACK_CALLER,), host, port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def build_facilitator_app(
    connect: Callable[[], Chain], signer: Signer, place: Place, settings: FacilitatorSettings
) -> FacilitatorApp:
    """Return the ASGI application of a facilitator. Nothing is opened until a server starts it.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends settlements, and pays their gas.
        place: Where the books are, and who may ask.
        settings: The rules.
    """

    @asynccontextmanager
    async def open_paths() -> AsyncIterator[FacilitatorPaths]:
        chain = await asyncio.to_thread(connect)
        store = await asyncio.to_thread(open_store, place.store, chain_id=chain.chain_id, credits=chain.credits.address)
        writer = Writer(store)
        parts = (connect, signer, writer)
        opened = open_facilitator(*parts, settings, chain.chain_id, lambda: place.callers, tell=_tell)
        try:
            async with following_settlements(*parts, _tell), opened as paths:
                yield paths
        finally:
            await asyncio.to_thread(writer.close)

    return FacilitatorApp(open_paths)


def run_facilitator(
    connect: Callable[[], Chain],
    signer: Signer,
    place: Place,
    settings: FacilitatorSettings,
    *,
    on_start: Callable[[], object] | None = None,
) -> None:
    """Serve until Ctrl-C or SIGTERM. Settlements that run are finished first, for 30 seconds at most.

    Args:
        connect: A function that connects to the chain.
        signer: The key that sends settlements, and pays their gas.
        place: Where to listen, where the books are, and who may ask.
        settings: The rules.
        on_start: Called when the process serves.

    Raises:
        InvalidConfig: Nothing can listen on the address.
        NvmChainError: The books cannot be opened, or the node does not answer.
    """
    check_free(place.host, place.port)
    end_logs = log_as_json()
    app = build_facilitator_app(connect, signer, place, settings)
    options = build_server_options(place.host, place.port)
    try:
        asyncio.run(PatientServer(uvicorn.Config(app, lifespan="on", ws="none", **options), on_start).serve())
    except SystemExit:  # how uvicorn ends when the application could not start
        if app.failure is None:
            raise
    finally:
        end_logs()
    if app.failure is not None:
        raise app.failure


def check_free(host: str, port: Number) -> None:
    """Check that a server can listen. It would say otherwise in its log alone. Raises InvalidConfig."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        problem = "another process listens there" if is_taken else error.strerror or str(error)
        raise InvalidConfig(
            f"nothing can listen on {host}:{port} ({problem})", "give another --port or --host"
        ) from None


def _tell(error: NvmChainError) -> None:
    logger.warning("%s", error.message())
