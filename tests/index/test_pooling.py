"""Connections to PostgreSQL that were lost while they waited for their next use: no reader notices."""

import os
import select
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from nvm_chain.errors import IndexUnavailable
from nvm_chain.index import pooling
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.postgres import CONNECTION, open_engine
from tests.support.canned_logs import write_busy_blocks
from tests.support.index_tables import feed, open_new
from tests.support.postgres import Postgres, run_postgres

SOCKET = ".s.PGSQL.5432"


def read_at_once(index: Index, count: int) -> set[int]:
    """Read the head by some connections that are open at the same time."""
    with ExitStack() as stack:
        opened = [stack.enter_context(index.snapshot()) for _ in range(count)]
        return {each.exec_driver_sql("SELECT head_number FROM state").scalar_one() for each in opened}


def test_read__server_was_restarted_since__is_answered() -> None:
    blocks = list(write_busy_blocks(60))
    with run_postgres() as server:
        index = feed(open_new(server.new_database()), blocks, 30)
        for end in (server.stop, server.kill):
            assert read_at_once(index, 4) == {blocks[-1].block.number}
            end()
            server.start()
            assert read_at_once(index, 4) == {blocks[-1].block.number}
        index.close()


def test_read__while_the_server_is_away__is_typed_and_then_answered() -> None:
    with run_postgres() as server:
        index = feed(open_new(server.new_database()), list(write_busy_blocks(60)), 30)
        server.stop()
        for _ in range(2):
            with pytest.raises(IndexUnavailable, match="is not available"):
                index.read_state()
        server.start()
        assert read_at_once(index, 4) == {index.state.head.number if index.state.head else None}
        index.close()


# ---------------------------------------------------------------- a connection that vanished without a word


@contextmanager
def forgetful_way(server: Postgres) -> Iterator[tuple[Path, Callable[[], None]]]:
    """Stand between client and server, as a firewall does.

    Yields a folder with the socket, and what makes it forget the connections that are open. It then resets a connection of
    which it knows nothing as soon as the client sends something, and not before.
    """
    with tempfile.TemporaryDirectory(prefix="way") as folder, socket.socket(socket.AF_UNIX) as entry:
        entry.bind(f"{folder}/{SOCKET}")
        entry.listen()
        forgotten: list[threading.Event] = []

        def accept() -> None:
            while select.select([entry, stop], [], [])[0] == [entry]:
                near = entry.accept()[0]
                forgotten.append(threading.Event())
                running.append(threading.Thread(target=carry, args=(near, server.folder / SOCKET, forgotten[-1])))
                running[-1].start()

        def forget() -> None:
            for each in forgotten:
                each.set()

        stop, end = socket.socketpair()
        running = [threading.Thread(target=accept)]
        running[0].start()
        yield Path(folder), forget
        end.close()
        for thread in running:
            thread.join()
        stop.close()


def carry(near: socket.socket, server: Path, forgotten: threading.Event) -> None:
    """Carry bytes both ways, until one side ends or the connection is forgotten."""
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(str(server))
        other = {near: far, far: near}
        while True:
            for side in select.select([near, far], [], [])[0]:
                data = side.recv(1 << 16)
                if not data or (side is near and forgotten.is_set()):
                    near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                other[side].sendall(data)


def test_read__connection_was_dropped_during_a_long_wait__is_answered(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.new_database()
    made = feed(open_new(url), list(write_busy_blocks(60)), 30)
    with forgetful_way(postgres) as (folder, forget):
        index = open_index(url.replace(str(postgres.folder).replace("/", "%2F"), str(folder).replace("/", "%2F")))
        head = index.read_state().head
        forget()
        with pytest.raises(IndexUnavailable, match="is not available"):
            index.read_state()
        assert index.read_state().head == head == made.state.head
        monkeypatch.setattr(pooling, "IDLE_SECONDS", -1)
        forget()
        assert index.read_state().head == head
        index.close()
    made.close()
    postgres.drop_database(url)


# ---------------------------------------------------------------- a server that vanishes without a word


@contextmanager
def port_of(server: Postgres) -> Iterator[int]:
    """Let one client reach a server over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as entry:

        def accept() -> None:
            carry(entry.accept()[0], server.folder / SOCKET, threading.Event())

        thread = threading.Thread(target=accept)
        thread.start()
        yield entry.getsockname()[1]
        thread.join(30)


@pytest.mark.parametrize(("query", "expected"), [("", 30_000), ("?tcp_user_timeout=5000", 5_000)])
def test_connection__over_tcp__waits_some_seconds_for_sent_data(postgres: Postgres, query: str, expected: int) -> None:
    database = postgres.new_database()
    open_new(database).close()
    name = database.rpartition("/")[2].partition("?")[0]
    with port_of(postgres) as port:
        url = make_url(f"postgresql://postgres@127.0.0.1:{port}/{name}{query}")
        engine = open_engine(url)
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            with socket.socket(fileno=os.dup(driver.pgconn.socket)) as wire:
                assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == expected
                assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == CONNECTION["keepalives_idle"]
        engine.dispose()
    postgres.drop_database(database)
