"""Ceilings: the highest total of an account's signed vouchers on each plan, in memory or in a file."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from nvm_chain.errors import InvalidConfig
from nvm_chain.payments.file_lock import hold_lock
from nvm_chain.types.atomic_files import OWNER_ONLY, open_regular, write_whole
from nvm_chain.types.ids import format_did
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.paths import parse_path

VERSION: Final = 1
_NUMBER: Final = re.compile("[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Highest total that a holder's vouchers on a plan allow, in credits. ``deadline`` is the last valid Unix second."""

    total: int
    deadline: int


class Ceilings(Protocol):
    """Store of the ceilings of one account on one chain."""

    outlives_process: bool
    """Whether the ceilings outlive the process. Such a ceiling counts after its deadline, because the seller may count it too."""

    def lock(self) -> AbstractContextManager[None]:
        """Lock the ceilings. Other threads and processes wait until the block ends."""

    def read(self, plan_id: int) -> Ceiling | None:
        """Return the last signed ceiling of a plan, or None."""

    def write(self, plan_id: int, ceiling: Ceiling | None) -> None:
        """Replace the last signed ceiling of a plan. The caller has to hold the lock."""


class MemoryCeilings:
    """Ceilings in memory, for the life of the process."""

    outlives_process = False

    def __init__(self) -> None:
        """Start without ceilings."""
        self._lock = Lock()
        self._known: dict[int, Ceiling] = {}

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the ceilings. Other threads wait until the block ends."""
        with self._lock:
            yield

    def read(self, plan_id: int) -> Ceiling | None:
        """Return the last signed ceiling of a plan, or None."""
        return self._known.get(plan_id)

    def write(self, plan_id: int, ceiling: Ceiling | None) -> None:
        """Replace the last signed ceiling of a plan."""
        if ceiling is None:
            self._known.pop(plan_id, None)
        else:
            self._known[plan_id] = ceiling


class CeilingFile:
    """Ceilings in a file, for a buyer who starts a new process for each request.

    The file holds accounts of any number of chains. Before a voucher is returned, the file is locked and replaced as a whole. So
    the same ceiling is signed only once, even after a crash or with several processes.
    """

    outlives_process = True

    def __init__(self, path: Path | str, account: str) -> None:
        """Store the path of the file and the name of the account in it. The file may be missing.

        Raises:
            InvalidConfig: The folder is missing, or the file is unreadable.
        """
        self._path = Path(os.path.realpath(parse_path(path, "state file")))  # a link would have a lock of its own
        self._account = account
        if not self._path.parent.is_dir():
            raise InvalidConfig(f"there is no folder {str(self._path.parent)!r} for the state file", "make it first")
        self._load()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the ceilings. Other threads and processes wait. The lock is a second file in the same folder."""
        with hold_lock(self._path.with_name(f"{self._path.name}.lock")):
            yield

    def read(self, plan_id: int) -> Ceiling | None:
        """Return the last signed ceiling of a plan, or None. Raises InvalidConfig."""
        return self._load().get(self._account, {}).get(format_did(plan_id))

    def write(self, plan_id: int, ceiling: Ceiling | None) -> None:
        """Replace the last signed ceiling of a plan, on the disk. Raises InvalidConfig."""
        accounts = self._load()
        plans = accounts.setdefault(self._account, {})
        if ceiling is None:
            plans.pop(format_did(plan_id), None)
        else:
            plans[format_did(plan_id)] = ceiling
        try:
            write_whole(self._path, _format_state(accounts), mode=OWNER_ONLY)  # the file shows who buys what
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be written") from None

    def _load(self) -> dict[str, dict[str, Ceiling]]:
        """Read the file. A missing file counts as empty. Raises InvalidConfig."""
        try:
            with open_regular(self._path, follow_links=True) as file:
                return _parse_state(parse_json(file.read()))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be read") from None
        except (ValueError, RecursionError):
            raise self._refuse("this package did not write it") from None

    def _refuse(self, reason: str) -> InvalidConfig:
        return InvalidConfig(
            f"the state file {str(self._path)!r} cannot be used: {reason}",
            "restore the file, or make room on its disk; a new file does not have the signed ceilings, and signs them again",
        )


def _format_state(accounts: Mapping[str, Mapping[str, Ceiling]]) -> str:
    """Format the state as JSON. Numbers are text, because JSON readers lose digits above 2**53."""
    written = {
        account: {did: {"ceiling": str(last.total), "deadline": str(last.deadline)} for did, last in plans.items()}
        for account, plans in accounts.items()
        if plans
    }
    return json.dumps({"version": VERSION, "accounts": written}, indent=1, sort_keys=True) + "\n"


def _parse_state(state: Any) -> dict[str, dict[str, Ceiling]]:
    """Parse the state. Raises ValueError if the text is not a state."""
    if not isinstance(state, dict) or state.get("version") != VERSION or not isinstance(state.get("accounts"), dict):
        raise ValueError("not a state")
    if not all(isinstance(plans, dict) for plans in state["accounts"].values()):
        raise ValueError("not accounts")
    return {
        account: {did: _parse_ceiling(last) for did, last in plans.items()}
        for account, plans in state["accounts"].items()
    }


def _parse_ceiling(written: Any) -> Ceiling:
    if not isinstance(written, dict) or written.keys() != {"ceiling", "deadline"}:
        raise ValueError("not a ceiling")
    total, deadline = written["ceiling"], written["deadline"]
    if not all(isinstance(number, str) and _NUMBER.fullmatch(number) for number in (total, deadline)):
        raise ValueError("not a number")
    return Ceiling(int(total), int(deadline))
