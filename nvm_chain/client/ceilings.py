"""Ceilings: the highest total of an account's signed vouchers on each plan, in memory or in a file, and the orders of a budget."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Lock
from typing import Protocol

from nvm_chain.client.file_lock import hold_lock
from nvm_chain.client.states import NO_ORDERS, Ceiling, Orders, State, format_state, parse_state
from nvm_chain.errors import InvalidConfig
from nvm_chain.types.atomic_files import OWNER_ONLY, open_regular, write_whole
from nvm_chain.types.ids import format_did
from nvm_chain.types.json_text import parse_json
from nvm_chain.types.paths import parse_path

__all__ = ["Ceiling", "CeilingFile", "Ceilings", "MemoryCeilings"]


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

    def sum_signed(self) -> int:
        """Return the credits that clients have signed within limits, on all plans of the account."""

    def lock_orders(self) -> AbstractContextManager[None]:
        """Lock the orders. One thread or process at a time orders a plan. Take `lock` only inside, never around."""

    def read_orders(self, plan_id: int) -> Orders:
        """Return the orders of a plan that a budget has paid for."""

    def write_orders(self, plan_id: int, orders: Orders) -> None:
        """Replace the orders of a plan. The caller has to hold both locks."""


class MemoryCeilings:
    """Ceilings in memory, for the life of the process."""

    outlives_process = False

    def __init__(self) -> None:
        """Start without ceilings."""
        self._lock, self._ordering = Lock(), Lock()
        self._known: dict[int, Ceiling] = {}
        self._orders: dict[int, Orders] = {}

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

    def sum_signed(self) -> int:
        """Return the credits that clients have signed within limits, on all plans of the account."""
        return sum(ceiling.signed for ceiling in self._known.values())

    @contextmanager
    def lock_orders(self) -> Iterator[None]:
        """Lock the orders. Other threads wait until the block ends."""
        with self._ordering:
            yield

    def read_orders(self, plan_id: int) -> Orders:
        """Return the orders of a plan that a budget has paid for."""
        return self._orders.get(plan_id, NO_ORDERS)

    def write_orders(self, plan_id: int, orders: Orders) -> None:
        """Replace the orders of a plan."""
        self._orders[plan_id] = orders


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
        return self._load().accounts.get(self._account, {}).get(format_did(plan_id))

    def write(self, plan_id: int, ceiling: Ceiling | None) -> None:
        """Replace the last signed ceiling of a plan, on the disk. Raises InvalidConfig."""
        state = self._load()
        plans = state.accounts.setdefault(self._account, {})
        if ceiling is None:
            plans.pop(format_did(plan_id), None)
        else:
            plans[format_did(plan_id)] = ceiling
        self._keep(state)

    def sum_signed(self) -> int:
        """Return the credits that clients have signed within limits, on all plans of the account. Raises InvalidConfig."""
        return sum(ceiling.signed for ceiling in self._load().accounts.get(self._account, {}).values())

    @contextmanager
    def lock_orders(self) -> Iterator[None]:
        """Lock the orders. Other threads and processes wait. The lock is a third file in the same folder."""
        with hold_lock(self._path.with_name(f"{self._path.name}.orders.lock")):
            yield

    def read_orders(self, plan_id: int) -> Orders:
        """Return the orders of a plan that a budget has paid for. Raises InvalidConfig."""
        return self._load().orders.get(self._account, {}).get(format_did(plan_id), NO_ORDERS)

    def write_orders(self, plan_id: int, orders: Orders) -> None:
        """Replace the orders of a plan, on the disk. Raises InvalidConfig."""
        state = self._load()
        state.orders.setdefault(self._account, {})[format_did(plan_id)] = orders
        self._keep(state)

    def _keep(self, state: State) -> None:
        try:
            write_whole(self._path, format_state(state), mode=OWNER_ONLY)  # the file shows who buys what
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be written") from None

    def _load(self) -> State:
        """Read the file. A missing file counts as empty. Raises InvalidConfig."""
        try:
            with open_regular(self._path, follow_links=True) as file:
                return parse_state(parse_json(file.read()))
        except FileNotFoundError:
            return State({}, {})
        except OSError as error:
            raise self._refuse(error.strerror or "it cannot be read") from None
        except (ValueError, RecursionError):
            raise self._refuse("this package did not write it") from None

    def _refuse(self, reason: str) -> InvalidConfig:
        return InvalidConfig(
            f"the state file {str(self._path)!r} cannot be used: {reason}",
            "restore the file, or make room on its disk; a new file does not have the signed ceilings, and signs them again",
        )
