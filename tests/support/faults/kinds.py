"""The kinds of fault, each a change of one answer: lost, late, doubled, reordered, cut, refused or false."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tests.support.faults.false_answers import FALSE_ANSWERS, WRONG_TYPES, Falsify
from tests.support.faults.proxy import Asked, Change, Exchange, Served
from tests.support.odd_node import RECEIPT, SEND, Json


@dataclass(frozen=True)
class Fault:
    """One way to answer wrongly.

    Its kind is a column of the table. A kind with several variants has a name for each.
    """

    kind: str
    change: Change
    variant: str = ""
    method: str = ""
    """The only method with this fault. Empty for all methods."""
    is_plausible: bool = False
    """Whether the false answer looks like a true one, so that a read may return it."""
    says_nothing: bool = False
    """Whether the answer says that there is nothing. This is plausible for a transaction that may not be mined yet."""

    @property
    def needs_result(self) -> bool:
        """Whether the fault needs a result to change."""
        return self.kind in ("null told", "falsified")

    def fits(self, label: str) -> bool:
        """Return whether the fault can change the answer to a request with this name."""
        return not self.method or self.method in label


def _lose_request(_: Exchange) -> Served:
    return Served(cut=0)


def _lose_answer(exchange: Exchange) -> Served:
    exchange.forward()
    return Served(cut=0)


def _bring_late(exchange: Exchange) -> Served:
    exchange.hold()
    return Served(cut=0)


def _bring_twice(exchange: Exchange) -> Served | None:
    first, second = exchange.forward(), exchange.forward()
    return Served(second) if first != second else None


def _answer_twice(exchange: Exchange) -> Served:
    return Served(exchange.forward(), times=2)


def _answer_out_of_order(exchange: Exchange) -> Served | None:
    """Return the answer to an earlier request with that request's id.

    The answers of a batch come in another order, as any node may send them.
    """
    content = exchange.forward()
    if isinstance(exchange.asked, list):
        turned = json.loads(content)[::-1]
        return Served(json.dumps(turned).encode()) if len(turned) > 1 else None
    earlier = json.loads(exchange.earlier or b"[]")
    if not isinstance(earlier, dict):
        return None
    return Served(json.dumps({**earlier, "id": exchange.asked["id"] + NUMBERS_AWAY}).encode())


def _cut_text(exchange: Exchange) -> Served:
    content = exchange.forward()
    return Served(content[: len(content) // 2])


def _break_off(exchange: Exchange) -> Served:
    content = exchange.forward()
    return Served(content, cut=len(content) // 2)


def _refuse(exchange: Exchange, *, status: int) -> Served:
    return Served(status=status, headers={"Retry-After": "0"})


def _fail_at_gateway(exchange: Exchange, *, status: int) -> Served:
    exchange.forward()
    return Served(b"<html>upstream timed out</html>", status=status)


def _say_page(exchange: Exchange) -> Served:
    exchange.forward()
    return Served(b"<html><body>Please sign in to this network</body></html>")


def _replace(asked: Asked, content: bytes, change: Callable[[Json, Json], Json]) -> Served | None:
    """Change each JSON-RPC answer with a function of the request and the answer. Return None if nothing changes."""
    true = json.loads(content)
    if isinstance(asked, list) and isinstance(true, list):
        by_id = {each["id"]: each for each in asked}
        told: Any = [change(by_id[each["id"]], each) for each in true]
    else:
        told = change(asked, true)  # type: ignore[arg-type]  # one request has one answer
    return Served(json.dumps(told).encode()) if told != true else None


def _say_error(exchange: Exchange, *, code: int, words: str, forwards: bool = True) -> Served | None:
    content = exchange.forward() if forwards else _build_answers(exchange.asked)
    error = {"code": code, "message": words}
    return _replace(exchange.asked, content, lambda _, answer: {"jsonrpc": "2.0", "id": answer["id"], "error": error})


def _build_answers(asked: Asked) -> bytes:
    """Return answers without a request to the node."""
    batch = [{"jsonrpc": "2.0", "id": each["id"]} for each in (asked if isinstance(asked, list) else [asked])]
    return json.dumps(batch if isinstance(asked, list) else batch[0]).encode()


def _say_null(exchange: Exchange) -> Served | None:
    return _replace(
        exchange.asked, exchange.forward(), lambda _, answer: {"jsonrpc": "2.0", "id": answer["id"], "result": None}
    )


def _falsify(exchange: Exchange, *, method: str, falsify: Falsify) -> Served | None:
    def change(asked: Json, answer: Json) -> Json:
        if (method and asked["method"] != method) or answer.get("result") is None:
            return answer
        return {**answer, "result": falsify(answer["result"])}

    return _replace(exchange.asked, exchange.forward(), change)


def _refuse_taken(exchange: Exchange, *, words: str, forwards: bool) -> Served | None:
    return _say_error(exchange, code=-32000, words=words, forwards=forwards)


NUMBERS_AWAY: Final = 1000
"""The distance of an earlier request's id from the current ids, which each connection counts from its own start."""
LOST_REQUEST: Final = "request lost"
_WORDS: Final = ("already known", "nonce too low", "transaction underpriced", "insufficient funds for gas")
FAULTS: Final = (
    Fault(LOST_REQUEST, _lose_request),
    Fault("answer lost", _lose_answer),
    Fault("delayed", _bring_late),
    Fault("request twice", _bring_twice, method=SEND),
    Fault("answer twice", _answer_twice),
    Fault("out of order", _answer_out_of_order),
    Fault("truncated", _cut_text),
    Fault("broken off", _break_off),
    *(Fault("refused as busy", partial(_refuse, status=status), str(status)) for status in (429, 503)),
    Fault("refused as busy", partial(_say_error, code=-32005, words="rate limit exceeded", forwards=False), "-32005"),
    *(Fault("failed at gateway", partial(_fail_at_gateway, status=status), str(status)) for status in (500, 502, 504)),
    Fault("error told", partial(_say_error, code=-32603, words="internal error"), "internal"),
    Fault("error told", partial(_say_error, code=-32000, words="header not found", forwards=False), "not found"),
    Fault("null told", _say_null, says_nothing=True),
    Fault("page told", _say_page),
    *(
        Fault(
            "falsified", partial(_falsify, method="", falsify=each.falsify), each.name, says_nothing=each.says_nothing
        )
        for each in WRONG_TYPES
    ),
    *(
        Fault("falsified", partial(_falsify, method=method, falsify=each.falsify), each.name, method, each.is_plausible)
        for method, found in FALSE_ANSWERS.items()
        for each in found
    ),
    *(
        Fault("falsified", partial(_refuse_taken, words=words, forwards=True), f"{words}, taken", SEND)
        for words in _WORDS
    ),
    *(
        Fault("falsified", partial(_refuse_taken, words=words, forwards=False), f"{words}, not taken", SEND)
        for words in _WORDS
    ),
)
ANSWERED_NULL: Final = ("anvil_setCode", "anvil_setStorageAt")
"""Requests that have only one possible result."""
MAY_BE_MISSING: Final = (RECEIPT, "eth_getTransactionByHash")
KINDS: Final = tuple(dict.fromkeys(fault.kind for fault in FAULTS))


def _is_believed(fault: Fault, label: str) -> bool:
    return fault.is_plausible or (fault.says_nothing and label in MAY_BE_MISSING)


def find_faults(label: str, kind: str, *, is_read: bool) -> list[Fault]:
    """Return the faults of a kind for a request. A read only gets false answers that a client can recognize."""
    return [
        fault
        for fault in FAULTS
        if fault.kind == kind
        and fault.fits(label)
        and not (label in ANSWERED_NULL and fault.needs_result)
        and not (is_read and _is_believed(fault, label))
    ]
