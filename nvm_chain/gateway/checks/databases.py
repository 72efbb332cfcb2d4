"""Checks of the books and the index: whether they can be used, and belong to the chain."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.errors import IndexUnavailable, NvmChainError, OlderSchema, WrongDatabase
from nvm_chain.errors.formatting import format_duration
from nvm_chain.gateway.books import is_in_use
from nvm_chain.gateway.checks.findings import Finding, good, missing, missing_by, note
from nvm_chain.gateway.settings import GatewaySettings
from nvm_chain.index.catalogue import REDEEMER
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.rows import ask, plan_key, read_address
from nvm_chain.meter.store.existing import SERVES, open_existing_store, read_books_state
from nvm_chain.meter.store.store import IN_USE

_EMPTY: Final = "it is empty"
_REDEEMERS: Final = """
SELECT x.account FROM permissions x JOIN plans p ON p.plan = x.plan AND p.owner = x.owner
WHERE x.plan = :plan AND x.role = :role ORDER BY x.account
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """What an index says of the redeemers of plans, and what was found. Empty without an index."""

    redeemers: dict[int, tuple[ChecksumAddress, ...]]
    findings: tuple[Finding, ...]


def check_books(settings: GatewaySettings, chain: Chain) -> Iterator[Finding]:
    """Yield whether the books can be used. Nothing is made or changed."""

    def look() -> Finding:
        where = settings.meter
        if is_in_use(where):
            raise IndexUnavailable(where, IN_USE).explain(*SERVES)
        with closing(open_existing_store(where, chain_id=chain.chain_id, credits=chain.credits.address)) as store:
            state = read_books_state(store)
        text = f"The books have {state.accounts:,} accounts. {state.charged:,} credits were charged, and {state.taken:,} taken."
        return good("books", text)

    yield from _check("books", settings.meter, look)


def check_index(settings: GatewaySettings, chain: Chain, plan_ids: Sequence[int]) -> Looked:
    """Look into the index: whether it can be used, how far it is, and who may redeem on some plans."""
    redeemers: dict[int, tuple[ChecksumAddress, ...]] = {}

    def look() -> Finding:
        with closing(open_index(settings.index, chain_id=chain.chain_id, credits=chain.credits.address)) as index:
            index.read_state()
            redeemers.update((plan_id, read_redeemers(index, plan_id)) for plan_id in plan_ids)
            return _compare_heads(index, chain, settings)

    return Looked(redeemers, tuple(_check("index", settings.index, look)))


def read_redeemers(index: Index, plan_id: int) -> tuple[ChecksumAddress, ...]:
    """Return the addresses that the owner of a plan allows to redeem, as an index has them."""
    with index.snapshot() as connection:
        rows = ask(connection, _REDEEMERS, plan=plan_key(plan_id), role=REDEEMER)
        return tuple(cast(ChecksumAddress, read_address(row.account)) for row in rows)


def _compare_heads(index: Index, chain: Chain, settings: GatewaySettings) -> Finding:
    head, latest = index.state.head, chain.read_block()
    if head is None:
        return note("index", "The index has no block yet. `nvm-chain gateway run` reads them.")
    behind = latest.number - head.number
    if latest.timestamp - head.timestamp > settings.max_view_age_seconds:
        age = format_duration(latest.timestamp - head.timestamp)
        text = f"The index is {behind:,} blocks and {age} behind. Requests are refused until it has caught up."
        return note(
            "index",
            text,
            "Start `nvm-chain gateway run` a little before you sell, or run `nvm-chain index run --once`.",
        )
    return good("index", f"The index has block {head.number:,}, and the latest one is {latest.number:,}.")


# ---------------------------------------------------------------- both


def _check(subject: str, where: str, look: Callable[[], Finding]) -> Iterator[Finding]:
    """Yield what was found in a database, or why it cannot be used. A new one is made by the gateway."""
    path = None if "://" in where else Path(where)
    if path is not None and not os.path.lexists(path):
        yield _check_folder(subject, path)
        return
    try:
        yield look()
    except WrongDatabase as error:
        if error.reason == _EMPTY:
            yield good(subject, "The database is empty. `nvm-chain gateway run` makes the tables.")
            return
        yield missing(subject, error.problem, f"Give the {subject} a database of their own, or a new one.")
    except OlderSchema as error:
        yield note(subject, error.problem, "`nvm-chain gateway run` brings it to the new schema. Make a backup before.")
    except IndexUnavailable as error:
        if error.explanation == SERVES:
            yield note(subject, "A process serves from them now, and has the file for itself.")
            return
        yield missing_by(subject, error)
    except NvmChainError as error:
        yield missing_by(subject, error)


def _check_folder(subject: str, path: Path) -> Finding:
    if path.parent.is_dir() and os.access(path.parent, os.W_OK | os.X_OK):
        return good(subject, f"{path} is not there yet. `nvm-chain gateway run` makes it.")
    advice = f"Make the folder {path.parent}, and let the user of the gateway write there."
    return missing(subject, f"{path} cannot be made, because its folder is missing or not writable.", advice)
