"""File locks: between two processes, after a holder that was killed, with a forked process, and in each system's way."""

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from nvm_chain.client.file_lock import hold_lock
from nvm_chain.errors import SecondFollower
from nvm_chain.index.lease import FileLease
from nvm_chain.types.file_locks import try_lock, unlock, wait_for_lock
from tests.support.held_files import SYSTEMS, Holder, hold_elsewhere, load_locks

of_each_system = pytest.mark.parametrize("system", SYSTEMS)


@of_each_system
@pytest.mark.parametrize("end", [Holder.unlock, Holder.kill])
def test_try_lock__held_by_another_process__is_false_until_that_unlocks_or_is_killed(
    system: str, end: Callable[[Holder], None], tmp_path: Path
) -> None:
    path, locks = tmp_path / "lock", load_locks(system)
    with hold_elsewhere(system, path) as holder, path.open("ab") as file:
        assert not locks.try_lock(file)
        end(holder)
        assert locks.try_lock(file)


@of_each_system
def test_wait_for_lock__held_by_another_process__returns_when_that_unlocks(system: str, tmp_path: Path) -> None:
    path, locks, got = tmp_path / "lock", load_locks(system), threading.Event()

    def wait() -> None:
        locks.wait_for_lock(file)
        got.set()

    with hold_elsewhere(system, path) as holder, path.open("ab") as file:
        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        assert not got.wait(0.3)
        holder.unlock()
        assert got.wait(60)
        thread.join()


@of_each_system
@pytest.mark.parametrize("mode", ["ab", "a+b", "r+b"])
def test_try_lock__of_a_file_with_text__leaves_position_and_text(system: str, mode: str, tmp_path: Path) -> None:
    path, locks = tmp_path / "lock", load_locks(system)
    path.write_bytes(b"0123456789")
    with path.open(mode) as file:
        file.seek(4)
        assert locks.try_lock(file)
        assert (file.tell(), os.lseek(file.fileno(), 0, os.SEEK_CUR)) == (4, 4)
        file.write(b"x")
        file.flush()
        locks.unlock(file)
        assert path.read_bytes() == (b"0123x56789" if mode == "r+b" else b"0123456789x")


def test_try_lock__on_windows__locks_one_byte_that_no_reader_reads(tmp_path: Path) -> None:
    """A locked byte is not readable for other processes there. All bytes but one are free for a lock of this process."""
    path, byte = tmp_path / "lock", load_locks("windows").LOCKED_BYTE
    assert byte > 10**9
    with hold_elsewhere("windows", path), path.open("ab") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, byte, 0)
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 0, byte + 1)
        with pytest.raises(BlockingIOError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)


def test_unlock__while_a_forked_process_has_the_file_open__frees_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as file, path.open("ab") as other:
        assert try_lock(file)
        child, gate = fork_with(file)
        try:
            assert not try_lock(other)
            unlock(file)
            assert try_lock(other)
        finally:
            os.close(gate)
            os.waitpid(child, 0)


def test_try_lock__after_a_forked_process_closed_its_copy_and_ended__is_held(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as file, path.open("ab") as other:
        assert try_lock(file)
        child, gate = fork_with(file, closes=True)
        os.close(gate)
        os.waitpid(child, 0)
        assert not try_lock(other)


def test_hold_lock__after_a_block_in_which_a_process_was_forked__is_free(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as other:
        with hold_lock(path):
            assert not try_lock(other)
            child, gate = fork_with(other)
        try:
            assert try_lock(other)
        finally:
            os.close(gate)
            os.waitpid(child, 0)


def test_file_lease__released_while_a_forked_process_lives__is_free(tmp_path: Path) -> None:
    lease = FileLease(tmp_path / "lock", "index.db")
    child, gate = fork_with(lease._file)
    try:
        with pytest.raises(SecondFollower):
            FileLease(tmp_path / "lock", "index.db")
        lease.release()
        FileLease(tmp_path / "lock", "index.db").release()
    finally:
        os.close(gate)
        os.waitpid(child, 0)


def fork_with(file: IO[Any], *, closes: bool = False) -> tuple[int, int]:
    """Fork a process that keeps or closes its copy of a file, and lives until the returned descriptor is closed."""
    reading, gate = os.pipe()
    child = os.fork()
    if not child:
        os.close(gate)
        if closes:
            file.close()
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)
    return child, gate


def test_locks__of_a_closed_file__are_refused_and_unlocking_does_nothing(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("ab") as file:
        pass
    for lock in (try_lock, wait_for_lock):
        with pytest.raises(ValueError, match="closed file"):
            lock(file)
    unlock(file)


def test_locks__in_a_file_system_without_locks__are_refused_and_unlocking_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def have_none(file: IO[Any], operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", have_none)
    with (tmp_path / "lock").open("ab") as file:
        for lock in (try_lock, wait_for_lock):
            with pytest.raises(OSError, match=os.strerror(errno.ENOLCK)):
                lock(file)
        unlock(file)
