"""False answers by method: from a node that is behind, has lost data, or writes a field in another form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from tests.support.odd_node import RECEIPT, SEND

Falsify: TypeAlias = Callable[[Any], Any]
"""A function that returns a false result for a true one."""


@dataclass(frozen=True)
class FalseAnswer:
    """A change of one result. ``is_plausible`` tells whether only another node could reveal the lie."""

    name: str
    falsify: Falsify
    is_plausible: bool = True
    says_nothing: bool = False


def _with(**changes: Any) -> Falsify:
    """Return a change that sets fields of an object."""
    return lambda result: {**result, **changes}


def _without(*names: str) -> Falsify:
    """Return a change that removes fields of an object."""
    return lambda result: {name: item for name, item in result.items() if name not in names}


def _say(told: Any) -> Falsify:
    return lambda _: told


def _times(numerator: int, denominator: int = 1) -> Falsify:
    return lambda result: hex(int(result, 16) * numerator // denominator)


def _plus(number: int) -> Falsify:
    return lambda result: hex(max(int(result, 16) + number, 0))


def _fill(digit: str) -> Falsify:
    return lambda result: "0x" + digit * (len(result) - 2)


OTHER_HASH: Final = "0x" + "11" * 32
WRONG_TYPES: Final = (
    FalseAnswer("an object", _say({}), is_plausible=False, says_nothing=True),
    FalseAnswer("an empty text", _say(""), is_plausible=False, says_nothing=True),
    FalseAnswer("a word", _say("0xzz"), is_plausible=False),
    FalseAnswer("a truth value", _say(True), is_plausible=False),
)
"""False answers of the wrong type, for all methods."""
_AMOUNTS: Final = (
    FalseAnswer("nothing", _say("0x0")),
    FalseAnswer("twice as much", _times(2)),
    FalseAnswer("far too much", _say(hex(10**40))),
    FalseAnswer("beyond a word", _say("0x1" + "00" * 32), is_plausible=False),
)
FALSE_ANSWERS: Final[dict[str, tuple[FalseAnswer, ...]]] = {
    SEND: (FalseAnswer("another hash", _say(OTHER_HASH)),),
    RECEIPT: (
        FalseAnswer("no block", _with(blockHash=None, blockNumber=None, status=None, logs=[])),
        FalseAnswer("no status", _without("status")),
        FalseAnswer("null status", _with(status=None)),
        FalseAnswer("no events", _with(logs=[])),
        FalseAnswer("no list of events", _without("logs")),
        FalseAnswer("no costs", _with(gasUsed=None, effectiveGasPrice=None)),
        FalseAnswer("another transaction", _with(transactionHash=OTHER_HASH)),
        FalseAnswer("odd block", _with(blockNumber="0xzz")),
    ),
    "eth_getTransactionByHash": (FalseAnswer("without its block", _with(blockHash=None, blockNumber=None)),),
    "eth_getTransactionCount": (
        FalseAnswer("one behind", _plus(-1)),
        FalseAnswer("never sent", _say("0x0")),
        FalseAnswer("one ahead", _plus(1)),
    ),
    "eth_getBlockByNumber": (
        FalseAnswer("at the beginning", _with(timestamp="0x0")),
        FalseAnswer("next century", _with(timestamp="0xf0000000")),
        FalseAnswer("without a base fee", _without("baseFeePerGas")),
        FalseAnswer("with a huge base fee", _with(baseFeePerGas=hex(10**40))),
        FalseAnswer("without a base fee worth naming", _with(baseFeePerGas="0x0")),
        FalseAnswer("small", _with(gasLimit="0x5208")),
        FalseAnswer("with odd extra data", _with(extraData="0x" + "ab" * 97)),
        FalseAnswer("another", _with(number="0x1", hash=OTHER_HASH)),
    ),
    "eth_getBalance": _AMOUNTS,
    "eth_maxPriorityFeePerGas": _AMOUNTS,
    "eth_gasPrice": _AMOUNTS,
    "eth_blockNumber": (FalseAnswer("one behind", _plus(-1)), FalseAnswer("at the beginning", _say("0x0"))),
    "eth_estimateGas": (FalseAnswer("half", _times(1, 2)), FalseAnswer("the least", _say("0x5208")), *_AMOUNTS),
    "eth_call": (
        FalseAnswer("nothing", _say("0x"), is_plausible=False),
        FalseAnswer("zeros", _fill("0")),
        FalseAnswer("ones", _fill("f")),
        FalseAnswer("half", lambda result: result[: 2 + (len(result) - 2) // 4 * 2]),
    ),
    "eth_getCode": (FalseAnswer("nothing", _say("0x")),),
    "eth_getLogs": (FalseAnswer("no events", _say([])),),
}
"""The false answers of each method, from a node that is behind, has lost data, or counts in another way.

A receipt that is true except for its status is left out, because no client can recognize it.
"""
