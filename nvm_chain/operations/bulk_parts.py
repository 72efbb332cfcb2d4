"""Steps of the bulk reads: parse pairs, call a view function for many pairs in one request, and decode the answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Final, TypeVar

from nvm_chain.chain.answer_words import (
    decode_account,
    decode_lots,
    decode_state,
    decode_terms,
    decode_text,
    decode_time,
)
from nvm_chain.chain.bulk_reads import Pair, read_in_parts
from nvm_chain.chain.client import Chain
from nvm_chain.chain.multicalls import Multicall
from nvm_chain.operations.plans import parse_terms
from nvm_chain.types.accounts import Account, Lot
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_addresses_bytes
from nvm_chain.types.events import Block
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Plan, PlanState

Item = TypeVar("Item")
Result = TypeVar("Result")

ACCOUNTS_AT_ONCE: Final = 2_000
"""The largest number of pairs in one request, for about 20,000,000 gas. A request that the node refuses is divided."""
PARSED_AT_ONCE: Final = 500
"""The largest number of pairs that are parsed together."""
LOTS_AT_ONCE: Final = 500
PLANS_AT_ONCE: Final = 250
ALL_LOTS: Final = bytes(32) + b"\xff" * 32
"""The arguments ``offset`` and ``limit`` of `lotsOf` for all lots: 0 and the largest number."""


def collect(parts: Iterable[Sequence[Result]], on_read: Callable[[int], object] | None = None) -> list[Result]:
    """Join the parts into one list. After each part, ``on_read`` gets the number of results so far."""
    results: list[Result] = []
    for part in parts:
        results += part
        if on_read is not None:
            on_read(len(results))
    return results


def parse_pairs(accounts: Iterable[tuple[int | str, str]]) -> Iterator[Pair]:
    """Yield each pair of plan id and holder as two 32-byte words. A repeated plan id is parsed only once."""
    words: dict[int | str, bytes] = {}
    source, padding = iter(accounts), bytes(12)
    while part := list(islice(source, PARSED_AT_ONCE)):
        plan_ids, holders = zip(*part, strict=True)
        for plan_id, address in zip(plan_ids, parse_addresses_bytes(holders, "holder address"), strict=True):
            word = words.get(plan_id) if type(plan_id) in (int, str) else None
            if word is None:
                word = words[plan_id] = parse_plan_id(plan_id).to_bytes(32)
            yield word, padding + address


def read_parts_of_accounts(chain: Chain, pairs: Iterable[Pair], at: Block | None = None) -> Iterator[Sequence[Account]]:
    """Read the account of each pair of plan and holder. Yields one list for each request."""
    return _read_pairs(chain, pairs, b"accountOf(uint256,address)", decode_account, ACCOUNTS_AT_ONCE, at=at)


def read_parts_of_windows(chain: Chain, pairs: Iterable[Pair]) -> Iterator[Sequence[int]]:
    """For each pair of plan and holder, read the Unix second at which access ends. Yields one list for each request."""
    return _read_pairs(chain, pairs, b"accessUntil(uint256,address)", decode_time, ACCOUNTS_AT_ONCE)


def read_parts_of_lots(chain: Chain, pairs: Iterable[Pair], at: Block | None = None) -> Iterator[Sequence[list[Lot]]]:
    """For each pair of plan and holder, read the list of live lots. Yields one list of these lists for each request."""
    function = b"lotsOf(uint256,address,uint256,uint256)"
    return _read_pairs(chain, pairs, function, decode_lots, LOTS_AT_ONCE, more=ALL_LOTS, at=at)


def read_parts_of_plans(
    chain: Chain, plan_ids: Iterable[int], at: Block | None = None, decode_uri: Callable[[bytes], str] = decode_text
) -> Iterator[Sequence[Plan]]:
    """Read the plans with these ids. Yields one list for each request."""
    functions = (b"stateOf(uint256)", b"termsOf(uint256)", b"uri(uint256)")
    return _read_views(
        chain, plan_ids, partial(_call_plan, functions), partial(_build_plan, decode_uri), PLANS_AT_ONCE, at
    )


def read_plan_states(chain: Chain, plan_ids: Iterable[int]) -> list[PlanState]:
    """Return the states of many plans at one block, in the order of the ids. One request for up to 250 plans.

    The URIs of the plans are left out, because a URI may hold a whole document.
    """
    functions = (b"stateOf(uint256)", b"termsOf(uint256)")
    return collect(_read_views(chain, plan_ids, partial(_call_plan, functions), _build_state, PLANS_AT_ONCE))


def _read_pairs(
    chain: Chain,
    pairs: Iterable[Pair],
    function: bytes,
    decode: Callable[[bytes], Result],
    most: int,
    *,
    more: bytes = b"",
    at: Block | None = None,
) -> Iterator[Sequence[Result]]:
    """Call a view function of Credits with each pair of plan id and holder. ``more`` encodes the other arguments."""
    selector = keccak(function)[:4]
    return _read_views(
        chain, pairs, lambda pair: [b"".join((selector, *pair, more))], lambda _, answers: decode(answers[0]), most, at
    )


def _read_views(
    chain: Chain,
    items: Iterable[Item],
    encode: Callable[[Item], Sequence[bytes]],
    build: Callable[[Item, Sequence[bytes]], Result],
    most: int,
    at: Block | None = None,
) -> Iterator[Sequence[Result]]:
    """Call view functions of Credits for each item, and build one result from the answers for the item.

    ``encode`` returns the same number of calls for every item. ``most`` is the largest number of items in a request.
    """
    multicall = Multicall(chain, chain.credits.address)

    def read_part(part: Sequence[Item], block: int | None) -> list[Result]:
        calls = [call for item in part for call in encode(item)]
        answers = multicall.ask(calls, block, divides=len(part) > 1)
        each = len(calls) // len(part)
        return [build(item, answers[place * each : (place + 1) * each]) for place, item in enumerate(part)]

    return read_in_parts(chain, items, read_part, most=most, at=at)


def _call_plan(functions: Sequence[bytes], plan_id: int) -> list[bytes]:
    return [keccak(function)[:4] + plan_id.to_bytes(32) for function in functions]


def _build_plan(decode_uri: Callable[[bytes], str], plan_id: int, answers: Sequence[bytes]) -> Plan:
    return Plan.of(_build_state(plan_id, answers[:2]), decode_uri(answers[2]))


def _build_state(plan_id: int, answers: Sequence[bytes]) -> PlanState:
    owner, pending_owner, active, fee_bps = decode_state(answers[0])
    return PlanState(
        plan_id=plan_id,
        terms=parse_terms(decode_terms(answers[1])),
        owner=owner,
        pending_owner=None if pending_owner == ZERO_ADDRESS else pending_owner,
        active=active,
        fee_bps=fee_bps,
    )
