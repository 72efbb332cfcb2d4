"""Bulk reads: many balances, accounts, plans, access windows or lots, with few requests and at one block."""

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

    One request for up to 5,000 pairs. More pairs take one request for each 5,000, and two that choose the block and
    check it at the end. If the node refuses that many pairs, each request has fewer.

    Args:
        chain: The connection to read from.
        accounts: Pairs of plan id and holder.
        on_read: A function that gets the number of results so far, after each part of them.

    Raises:
        InvalidPlanId: A plan id is malformed. No request was made.
        InvalidAddress: A holder's address is malformed or zero. No request was made.
        BlockReplaced: The chain replaced the block during the reading.
        NetworkError: The node does not give a usable answer.
    """
    return collect(read_balances_of(chain, list(parse_pairs(accounts))), on_read)


def stream_balances(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[int]:
    """Yield balances as `read_balances` reads them. Pairs are taken from the iterable only as they are needed.

    All balances are of one block, the latest when the first request is made. Many nodes keep the state of a block only
    for some minutes, so a slow reader gets a NetworkError.
    """
    return join.from_iterable(read_balances_of(chain, parse_pairs(accounts)))


def read_accounts(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[Account]:
    """Read many accounts at one block, each as `read_account` does. The answer has the order of ``accounts``.

    One request for up to 2,000 pairs. More pairs take one request for each 2,000, and two that choose the block and
    check it at the end. If the node refuses that many pairs, each request has fewer. Some nodes cannot run the program
    that makes many calls in one request. Such a node gets the calls in batches, or one by one.

    Args:
        chain: The connection to read from.
        accounts: Pairs of plan id and holder.
        on_read: A function that gets the number of results so far, after each part of them.

    Raises:
        InvalidPlanId: A plan id is malformed. No request was made.
        InvalidAddress: A holder's address is malformed or zero. No request was made.
        AnswerUnreadable: The node's answer does not have the form of accounts.
        BlockReplaced: The chain replaced the block during the reading.
        NetworkError: The node does not give a usable answer.
    """
    return collect(read_parts_of_accounts(chain, list(parse_pairs(accounts))), on_read)


def stream_accounts(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[Account]:
    """Yield accounts as `read_accounts` reads them. Pairs are taken from the iterable only as they are needed.

    All accounts are of one block, the latest when the first request is made. Many nodes keep the state of a block only
    for some minutes, so a slow reader gets a NetworkError.
    """
    return join.from_iterable(read_parts_of_accounts(chain, parse_pairs(accounts)))


def read_access_windows(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[int]:
    """Read the ends of many access windows at one block, each as `read_access_until` does.

    Each end is a Unix timestamp, or 0 if access never began. Requests, arguments and errors are those of
    `read_accounts`.
    """
    return collect(read_parts_of_windows(chain, list(parse_pairs(accounts))), on_read)


def stream_access_windows(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[int]:
    """Yield ends of access as `read_access_windows` reads them. Pairs are taken from the iterable when needed."""
    return join.from_iterable(read_parts_of_windows(chain, parse_pairs(accounts)))


def read_all_lots(
    chain: Chain, accounts: Iterable[tuple[int | str, str]], *, on_read: OnRead | None = None
) -> list[list[Lot]]:
    """Read all live lots of many accounts at one block. Each account's lots begin with the earliest expiry.

    One request for up to 500 pairs. More pairs take one request for each 500, and two that choose the block and check
    it at the end. The arguments are those of `read_accounts`.

    Raises:
        RevertedWithoutReason: An account has too many lots. Use `read_lots` for it.
        NvmChainError: The same errors as `read_accounts`.
    """
    return collect(read_parts_of_lots(chain, list(parse_pairs(accounts))), on_read)


def stream_all_lots(chain: Chain, accounts: Iterable[tuple[int | str, str]]) -> Iterator[list[Lot]]:
    """Yield lists of live lots as `read_all_lots` reads them. Pairs are taken from the iterable when needed."""
    return join.from_iterable(read_parts_of_lots(chain, parse_pairs(accounts)))


def read_plans(chain: Chain, plan_ids: Iterable[int | str], *, on_read: OnRead | None = None) -> list[Plan]:
    """Read many plans at one block, each as `read_plan` does. The answer has the order of ``plan_ids``.

    One request for up to 250 plans. More plans take one request for each 250, and two that choose the block and check
    it at the end. If the node refuses that many plans, each request has fewer. Some nodes cannot run the program that
    makes many calls in one request. Such a node gets the calls in batches, or one by one.

    Args:
        chain: The connection to read from.
        plan_ids: The ids of the plans, each as an int, text or DID.
        on_read: A function that gets the number of results so far, after each part of them.

    Raises:
        InvalidPlanId: A plan id is malformed. No request was made.
        UnknownPlan: A plan is not registered.
        AnswerUnreadable: The node's answer does not have the form of plans.
        BlockReplaced: The chain replaced the block during the reading.
        NetworkError: The node does not give a usable answer.
    """
    return collect(read_parts_of_plans(chain, [parse_plan_id(plan_id) for plan_id in plan_ids]), on_read)


def stream_plans(chain: Chain, plan_ids: Iterable[int | str]) -> Iterator[Plan]:
    """Yield plans as `read_plans` reads them. Ids are taken from the iterable only as they are needed.

    All plans are of one block, the latest when the first request is made. Many nodes keep the state of a block only for
    some minutes, so a slow reader gets a NetworkError.
    """
    return join.from_iterable(read_parts_of_plans(chain, map(parse_plan_id, plan_ids)))
