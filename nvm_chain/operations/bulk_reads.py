"""Balances, accounts, plans, access and lots of many: as the functions for one read them, in few requests, at one block."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain as join
from typing import TypeAlias

from nvm_chain.chain.bulk_reads import read_balances_of
from nvm_chain.chain.client import Chain
from nvm_chain.operations.bulk_parts import (
    collect,
    parse_pairs,
    read_parts_of_accounts,
    read_parts_of_lots,
    read_parts_of_plans,
    read_parts_of_windows,
)
from nvm_chain.types.accounts import Account, Lot
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Plan

OnRead: TypeAlias = Callable[[int], object]


def read_balances(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[int]:
    """Read many balances at one block. The answer has the order of ``accounts``.

    One request for up to 5,000 pairs; above that one for each 5,000, and two. A node that takes fewer at once is asked
    for fewer.

    Args:
        chain: Where to read.
        accounts: Pairs of plan id and holder.
        on_read: Called after each request with how many have been read.

    Raises:
        InvalidPlanId: A plan id is not one. Nothing has been asked then.
        InvalidAddress: A holder cannot be an address. Nothing has been asked then.
        BlockReplaced: The chain replaced the block meanwhile.
        NetworkError: The node cannot be used.
    """
    return collect(read_balances_of(chain, list(parse_pairs(accounts))), on_read)


def stream_balances(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[int]:
    """Read balances as `read_balances` does, of any number of accounts: they are taken, and answered, part by part.

    All are of the block that was the latest at the first. Nodes keep the state of a block for a few minutes.
    """
    return join.from_iterable(read_balances_of(chain, parse_pairs(accounts)))


def read_accounts(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[Account]:
    """Read many accounts at one block, each as `read_account` does. The answer has the order of ``accounts``.

    One request for up to 2,000 pairs; above that one for each 2,000, and two. A node that takes fewer at once is asked for
    fewer. One that runs no programs in a call is asked in batches, or one by one.

    Args:
        chain: Where to read.
        accounts: Pairs of plan id and holder.
        on_read: Called after each request with how many have been read.

    Raises:
        InvalidPlanId: A plan id is not one. Nothing has been asked then.
        InvalidAddress: A holder cannot be an address. Nothing has been asked then.
        AnswerUnreadable: The node answers with what cannot be accounts.
        BlockReplaced: The chain replaced the block meanwhile.
        NetworkError: The node cannot be used.
    """
    return collect(read_parts_of_accounts(chain, list(parse_pairs(accounts))), on_read)


def stream_accounts(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[Account]:
    """Read accounts as `read_accounts` does, of any number: they are taken, and answered, part by part.

    All are of the block that was the latest at the first. Nodes keep the state of a block for a few minutes.
    """
    return join.from_iterable(read_parts_of_accounts(chain, parse_pairs(accounts)))


def read_access_windows(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[int]:
    """Read when the access of many ends, as Unix timestamps of one block, each as `read_access_until` does.

    0 is access that never began. Requests, arguments and errors are those of `read_accounts`.
    """
    return collect(read_parts_of_windows(chain, list(parse_pairs(accounts))), on_read)


def stream_access_windows(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[int]:
    """Read when access ends as `read_access_windows` does, of any number: they are taken, and answered, part by part."""
    return join.from_iterable(read_parts_of_windows(chain, parse_pairs(accounts)))


def read_all_lots(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[list[Lot]]:
    """Read all live lots of many at one block, of each as `read_lots` does, earliest expiry first.

    One request for up to 500 pairs; above that one for each 500, and two. Raises as `read_accounts` does, and
    RevertedWithoutReason for an account with too many lots: use `read_lots`.
    """
    return collect(read_parts_of_lots(chain, list(parse_pairs(accounts))), on_read)


def stream_all_lots(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[list[Lot]]:
    """Read live lots as `read_all_lots` does, of any number of accounts: they are taken, and answered, part by part."""
    return join.from_iterable(read_parts_of_lots(chain, parse_pairs(accounts)))


def read_plans(chain: Chain, plan_ids: Iterable[int | str], *, on_read: OnRead | None = None) -> list[Plan]:
    """Read many plans at one block: terms, state and URI, each as `read_plan` does. The answer has the order of ``plan_ids``.

    One request for up to 250 plans; above that one for each 250, and two. A node that takes fewer at once is asked for
    fewer. One that runs no programs in a call is asked in batches, or one by one.

    Args:
        chain: Where to read.
        plan_ids: The plans, in any spelling.
        on_read: Called after each request with how many have been read.

    Raises:
        InvalidPlanId: A plan id is not one. Nothing has been asked then.
        UnknownPlan: A plan is not registered.
        AnswerUnreadable: The node answers with what cannot be plans.
        BlockReplaced: The chain replaced the block meanwhile.
        NetworkError: The node cannot be used.
    """
    return collect(read_parts_of_plans(chain, [parse_plan_id(plan_id) for plan_id in plan_ids]), on_read)


def stream_plans(chain: Chain, plan_ids: Iterable[int | str]) -> Iterator[Plan]:
    """Read plans as `read_plans` does, of any number: they are taken, and answered, part by part.

    All are of the block that was the latest at the first. Nodes keep the state of a block for a few minutes.
    """
    return join.from_iterable(read_parts_of_plans(chain, map(parse_plan_id, plan_ids)))
