"""Turns and journals: what a process that ended, a full disk, a fork or a file that is damaged leaves behind."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.chain import turns
from nvm_chain.chain.journal_entries import KEPT, Sent
from nvm_chain.chain.state_folder import STATE_VARIABLE, find_state_folder
from nvm_chain.chain.turns import Accounts
from nvm_chain.errors import AccountBusy
from nvm_chain.types.file_locks import try_lock, unlock
from tests.support.full_disk import full_disk

ALICE = ChecksumAddress(HexAddress(HexStr("0x" + "Ab" * 20)))


def journal_of(folder: Path) -> Path:
    return folder / f"1-{ALICE.lower()}.jsonl"


def read_last(folder: Path | None) -> Sent | None:
    """Return what a new process takes for the last transaction."""
    with Accounts(1, folder).turn(ALICE) as turn:
        return turn.sent[-1] if turn.sent else None


def hashes(folder: Path) -> list[str]:
    return [sent.hash for sent in Accounts(1, folder).read_journal(ALICE)]


def test_turn__of_another_process__knows_what_was_sent_and_whether_the_node_took_it(tmp_path: Path) -> None:
    with Accounts(1, tmp_path).turn(ALICE) as turn:
        turn.write_down(4, "0x4", "http://node")
        turn.confirm()
        turn.write_down(5, "0x5", "http://node")
    last = read_last(tmp_path)
    assert last is not None
    assert (last.nonce, last.hash, last.node, last.taken) == (5, "0x5", "http://node", False)
    assert [sent.taken for sent in Accounts(1, tmp_path).read_journal(ALICE)] == [True, False]


@pytest.mark.parametrize("kept", [True, False])
def test_take_back__of_the_last__leaves_the_one_before(tmp_path: Path, kept: bool) -> None:
    accounts = Accounts(1, tmp_path if kept else None)
    with accounts.turn(ALICE) as turn:
        turn.write_down(4, "0x4")
        turn.confirm()
    with accounts.turn(ALICE) as turn:
        turn.write_down(5, "0x5")
        turn.take_back()
    with accounts.turn(ALICE) as turn:
        assert [(sent.nonce, sent.taken) for sent in turn.sent] == [(4, True)]


@pytest.mark.parametrize(
    "damage",
    [
        b"\xff\xfe\n",
        b'{"nonce": 1e999, "hash": "0x1", "time": 1}\n',
        b"[" * 200_000 + b"\n",
        b'{"nonce": 3}\n',
        b"7\n",
        b'{"nonce": 3, "ha',
    ],
    ids=["not UTF-8", "infinite", "deep", "half an entry", "a number", "torn"],
)
def test_turn__with_a_damaged_journal__leaves_out_what_cannot_be_read_and_writes_on(
    tmp_path: Path, damage: bytes
) -> None:
    journal_of(tmp_path).write_bytes(damage)
    assert read_last(tmp_path) is None
    with Accounts(1, tmp_path).turn(ALICE) as turn:
        turn.write_down(4, "0x4")
    assert hashes(tmp_path) == ["0x4"]


@pytest.mark.parametrize("connections", [1, 2])
def test_turn__with_a_full_disk__is_remembered_by_the_next_turns(tmp_path: Path, connections: int) -> None:
    journal_of(tmp_path).write_text(json.dumps({"nonce": 3, "hash": "0x3", "time": 1}) + "\n")
    first = Accounts(1, tmp_path)
    second = first if connections == 1 else Accounts(1, tmp_path)
    with full_disk(journal_of(tmp_path).stat().st_size):
        with first.turn(ALICE) as turn:
            turn.write_down(4, "0x4")
            turn.confirm()
        with second.turn(ALICE) as turn:
            kept = list(turn.sent)
            turn.write_down(5, "0x5")
            turn.take_back()
        with first.turn(ALICE) as turn:
            again = list(turn.sent)
    assert (
        [(sent.nonce, sent.taken) for sent in kept]
        == [(3, False), (4, True)]
        == [(sent.nonce, sent.taken) for sent in again]
    )


def test_turn__where_nothing_can_be_written__is_taken_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert read_last(file / "below") is None


def test_turn__of_a_process_forked_while_a_thread_has_it__is_given(tmp_path: Path) -> None:
    accounts, inside, leave = Accounts(1, None), threading.Event(), threading.Event()

    def hold() -> None:
        with accounts.turn(ALICE):
            inside.set()
            leave.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(30)
    child = os.fork()
    if not child:
        waiting = threading.Thread(target=lambda: accounts.turn(ALICE).__enter__(), daemon=True)
        waiting.start()
        waiting.join(10)
        os._exit(1 if waiting.is_alive() else 0)
    _, status = os.waitpid(child, 0)
    leave.set()
    thread.join(30)
    assert status == 0


def test_turn__after_one_in_which_a_process_was_forked__is_given_while_that_lives(tmp_path: Path) -> None:
    accounts, (reading, writing) = Accounts(1, tmp_path), os.pipe()
    with accounts.turn(ALICE):
        child = os.fork()
        if not child:
            os.close(writing)
            os.read(reading, 1)  # until the other one has its next turn, or has ended
            os._exit(0)
    given = threading.Event()

    def again() -> None:
        with Accounts(1, tmp_path).turn(ALICE):
            given.set()

    threading.Thread(target=again, daemon=True).start()
    was_given = given.wait(10)
    os.close(writing)
    os.waitpid(child, 0)
    os.close(reading)
    assert was_given


def test_find_state_folder__without_a_home__is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (STATE_VARIABLE, "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert find_state_folder() is None


def test_turn__after_the_disk_filled_up_between_the_two_lines__knows_what_was_taken(tmp_path: Path) -> None:
    journal_of(tmp_path).write_text("")
    accounts = Accounts(1, tmp_path)
    with accounts.turn(ALICE) as turn:
        turn.write_down(4, "0x4")
        with full_disk(journal_of(tmp_path).stat().st_size):
            turn.confirm()
    with accounts.turn(ALICE) as turn:
        assert [(sent.nonce, sent.taken) for sent in turn.sent] == [(4, True)]


@pytest.mark.parametrize("is_full", [True, False])
def test_turn__with_a_long_journal__shortens_it_and_loses_nothing_on_a_full_disk(tmp_path: Path, is_full: bool) -> None:
    lines = [json.dumps({"nonce": number, "hash": hex(number), "time": 1, "taken": True}) for number in range(500)]
    journal_of(tmp_path).write_text("\n".join(lines) + "\n")
    accounts = Accounts(1, tmp_path)
    if is_full:
        with full_disk(0), accounts.turn(ALICE):
            pass
    with accounts.turn(ALICE) as turn:
        turn.write_down(500, "0x500")
    assert (hashes(tmp_path)[-2:], len(hashes(tmp_path))) == ([hex(499), "0x500"], KEPT + 1)


def test_turn__of_many_that_are_young__keeps_them(tmp_path: Path) -> None:
    accounts = Accounts(1, tmp_path)
    with accounts.turn(ALICE) as turn:
        turn.write_all_down([(number, hex(number)) for number in range(600)])
        assert turn.confirm(map(hex, range(600))) == 600
    with accounts.turn(ALICE) as turn:
        assert [sent.nonce for sent in turn.sent] == list(range(600))


def test_turn__of_another_process_after_one_was_killed_in_it_while_a_forked_worker_lives__is_given(
    tmp_path: Path,
) -> None:
    program = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from nvm_chain.chain.turns import Accounts\n"
        "accounts, inside = Accounts(1, Path(sys.argv[1])), threading.Event()\n"
        "def hold():\n"
        "    with accounts.turn(sys.argv[2]):\n"
        "        inside.set()\n"
        "        threading.Event().wait(60)\n"
        "threading.Thread(target=hold, daemon=True).start()\n"
        "inside.wait()\n"
        "worker = os.fork()\n"
        "if not worker:\n"
        "    threading.Event().wait(60)\n"
        "    os._exit(0)\n"
        "print(worker, flush=True)\n"
        "threading.Event().wait(60)\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), ALICE], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    worker = int(server.stdout.readline())
    server.kill()
    server.wait()
    server.stdout.close()
    given = threading.Event()

    def take() -> None:
        with Accounts(1, tmp_path).turn(ALICE):
            given.set()

    threading.Thread(target=take, daemon=True).start()
    was_given = given.wait(10)
    os.kill(worker, signal.SIGKILL)
    assert was_given


@pytest.mark.parametrize("holder", ["thread", "process"])
def test_turn__that_another_one_holds_for_long__says_so_and_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: str
) -> None:
    """A process that was stopped in its turn, or waits for its signer, does not stop all others without a word."""
    monkeypatch.setattr(turns, "LEAST_PATIENCE_SECONDS", 2)
    first = Accounts(1, tmp_path)
    second = first
    if holder == "process":  # another memory: only the lock of the file is in the way
        monkeypatch.setattr(turns, "_MEMORIES", {})
        second = Accounts(1, tmp_path)
    told: list[str] = []
    with first.turn(ALICE):
        with (
            pytest.raises(AccountBusy, match=r"has been sending for .* for 2 seconds"),
            second.turn(ALICE, 1, told.append),
        ):
            pytest.fail("two turns at once")
        assert len(told) == 1
        assert ALICE in told[0]
    with second.turn(ALICE, 1, told.append) as turn:
        assert turn.sent == []
    assert len(told) == 1


@pytest.mark.parametrize("named", ["~/state", "state"])
def test_find_state_folder__named_from_home_or_here__is_absolute(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(STATE_VARIABLE, named)
    assert find_state_folder() == (Path.home() if "~" in named else Path.cwd()) / "state"


def test_turn__with_a_line_torn_on_a_full_disk__writes_the_next_one_whole(tmp_path: Path) -> None:
    """There is room again before the turn ends: what the node took must not be glued to the torn line."""
    journal_of(tmp_path).write_text("")
    with Accounts(1, tmp_path).turn(ALICE) as turn:
        with full_disk(40):
            turn.write_all_down([(4, "0x4"), (5, "0x5")])
        turn.confirm(["0x4", "0x5"])
    sent = Accounts(1, tmp_path).read_journal(ALICE)
    assert [(each.nonce, each.taken) for each in sent] == [(4, True), (5, True)]


def test_turn__with_a_long_journal_and_a_disk_that_is_full_halfway__ends_as_usual(tmp_path: Path) -> None:
    """The shorter journal is torn. Nobody who has sent meanwhile may hear of it as a failure."""
    lines = [json.dumps({"nonce": number, "hash": hex(number), "time": 1, "taken": True}) for number in range(500)]
    journal_of(tmp_path).write_text("\n".join(lines) + "\n")
    accounts = Accounts(1, tmp_path)
    with full_disk(12_000), accounts.turn(ALICE) as turn:
        turn.write_down(500, "0x500")
    with accounts.turn(ALICE) as turn:
        assert ([sent.hash for sent in turn.sent[-2:]], len(turn.sent)) == ([hex(499), "0x500"], KEPT + 1)


def test_turn__of_a_journal_that_is_replaced_before_the_lock_is_given__has_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may shorten the journal while this one waits for the lock."""
    monkeypatch.setattr(turns, "QUIET_SECONDS", 0)  # it is told at once that it has to wait
    path, told = journal_of(tmp_path), list[str]()
    path.write_text(json.dumps({"nonce": 3, "hash": "0x3", "time": 1}) + "\n")

    def replace(message: str) -> None:
        told.append(message)
        newer = path.with_suffix(".new")
        newer.write_text(json.dumps({"nonce": 4, "hash": "0x4", "time": 1}) + "\n")
        newer.replace(path)
        unlock(other)

    with path.open("a+") as other:
        assert try_lock(other)
        with Accounts(1, tmp_path).turn(ALICE, 60, replace) as turn:
            assert [sent.nonce for sent in turn.sent] == [4]
            turn.write_down(5, "0x5")
    assert hashes(tmp_path) == ["0x4", "0x5"]
    assert len(told) == 1
