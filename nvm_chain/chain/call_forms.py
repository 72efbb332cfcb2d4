"""Forms of a call with a gas price, and the search for one that a node accepts.

A call with a price needs a sender with enough coin. So the best form gives the sender plenty of coin for the time of the
call (a state override). Some nodes refuse an override, refuse a price, or ignore one of the two without a word. A short
program, the probe, shows which: it runs in the same form, and reverts if it sees no price.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

from eth_typing import ChecksumAddress, HexAddress, HexStr

from nvm_chain.chain.fees import BASE_FEE, read_fees
from nvm_chain.chain.node import Node
from nvm_chain.chain.purses import PRICES, Fields, read_purse
from nvm_chain.chain.raw_calls import parse_answer
from nvm_chain.errors import AnswerUnreadable, RpcFailed, TransactionError

Method: TypeAlias = Literal["eth_call", "eth_estimateGas"]

CALL: Final = "eth_call"
ESTIMATE: Final = "eth_estimateGas"
CALL_FIELDS: Final = ("from", "to", "data", "value", "gas", *PRICES)
PLENTY: Final = hex(1 << 128)
"""The coin balance of the sender in a call, in wei."""
HIGH_PRICE: Final = {"maxFeePerGas": 10**15, "maxPriorityFeePerGas": 10**9}
"""Fees in wei, the first of which is above the base fee of every chain. The price is the base fee and a usual tip."""
PENNILESS: Final = ChecksumAddress(HexAddress(HexStr("0xbeFFC661a98DeA5Df5b2917028fEdD987bc9CE30")))
"""The sender of a probe that gets its coin for the time of the call. It has none of its own, and nobody has its key."""
PROBE: Final = "0x3a60095760006000fd5b5a60005260206000f3"
"""Creation code that reverts without a gas price, and otherwise answers with the gas that is left.

GASPRICE, PUSH1 9, JUMPI, PUSH1 0, PUSH1 0, REVERT, JUMPDEST, GAS, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN.
"""
PROBE_GAS: Final = 100_000
"""The gas limit of a probe whose sender pays for it."""
SPENT: Final = 60_000
"""The gas that a probe uses before it reads what is left, rounded up."""
_FORM, _GAS = "form", "gas"


class Form(NamedTuple):
    """A form of a call: where its price is from, and whether the sender has plenty of coin for the time of the call."""

    price: Literal["high", "read", "none"]
    is_rich: bool


HIGH: Final = Form("high", is_rich=True)
BARE: Final = Form("none", is_rich=False)
"""The form without a price."""
OLD: Final = Form("read", is_rich=True)
"""The form for chains without a base fee (EIP-1559)."""
POOR: Final = Form("read", is_rich=False)
"""The form for nodes that take no other balance."""
FORMS: Final = (HIGH, OLD, POOR)
"""The forms with a price, the best first."""


def build_parameters(node: Node, call: Fields, form: Form, block: str = "latest") -> tuple[object, ...]:
    """Return the JSON-RPC parameters of a call in a form. A price of the call itself is kept.

    Two requests for a form whose price is read, if the call has no price, else none.
    """
    priced = {name: call[name] for name in CALL_FIELDS if call.get(name) is not None}
    bare = {name: value for name, value in priced.items() if name not in PRICES}
    if form == BARE:
        priced = bare
    elif priced == bare:
        priced |= HIGH_PRICE if form.price == "high" else read_fees(node).params()
    override = ({call["from"]: {"balance": PLENTY}},) if form.is_rich else ()
    return {name: _as_json(value) for name, value in priced.items()}, block, *override


def find_form(node: Node, method: Method, sender: ChecksumAddress) -> Form:
    """Return the best form with a price that the node runs, or `BARE`. At most six requests.

    The form is remembered, and then there is no request. `BARE` is remembered only if the sender has coin, because a
    sender without coin may be the reason.
    """
    known: Form | None = node.habits.find(_FORM, method)
    if known is not None:
        return known
    if _runs(node, method, {"from": sender}, HIGH):
        return node.habits.keep(HIGH, _FORM, method)
    call = {"from": sender, **read_fees(node).params()}
    if _runs(node, method, call, OLD):
        return node.habits.keep(OLD, _FORM, method)
    if read_purse(node, call).gas({"gas": PROBE_GAS}) < PROBE_GAS:
        return BARE
    return node.habits.keep(POOR if _runs(node, method, call, POOR) else BARE, _FORM, method)


def recall_form(node: Node, method: Method, sender: ChecksumAddress) -> Form | None:
    """Return the form that `find_form` found before, or None if the best form is not in doubt. Mostly no request.

    On a chain without a base fee the best form is in doubt: some nodes there ignore its price.
    """
    found: Form | None = node.habits.find(_FORM, method)
    if found is None and node.habits.find(*BASE_FEE) is False:
        return find_form(node, method, sender)
    return found


def forget_form(node: Node, method: Method) -> None:
    """Forget the form of a method, so that `find_form` searches again. No request."""
    node.habits.forget(_FORM, method)


def recall_gas(node: Node) -> int | None:
    """Return the gas limit of a call that names none, as a probe has seen it. None if unknown. No request.

    It is mostly the largest one that the node gives to a call.
    """
    found: int | None = node.habits.find(_GAS)
    return found


def gives_gas(node: Node, sender: ChecksumAddress, gas: int) -> bool:
    """Return whether the node gives this much gas to a call that names it. One request."""
    left = _run_probe(node, CALL, {"from": sender}, recall_form(node, CALL, sender) or HIGH, gas=gas)
    return left + SPENT >= gas


def _runs(node: Node, method: Method, call: Fields, form: Form) -> bool:
    """Return whether a node runs a call in a form with its price. One request."""
    left = _run_probe(node, method, call, form, gas=None if form.is_rich else PROBE_GAS)
    if left and form.is_rich and method == CALL:
        node.habits.keep(left + SPENT, _GAS)
    return left > 0


def _run_probe(node: Node, method: Method, call: Fields, form: Form, gas: int | None) -> int:
    """Return the answer to a probe: the gas that is left. 0 if the node does not run the probe, or without a price."""
    probe = {**call, "from": PENNILESS if form.is_rich else call["from"], "data": PROBE, "gas": gas}
    try:
        answer = node.ask(method, *build_parameters(node, probe, form), calls=True)
        return int(bool(answer)) if method == ESTIMATE else int.from_bytes(parse_answer(answer))
    except (AnswerUnreadable, RpcFailed, TransactionError):
        return 0


def _as_json(value: object) -> object:
    if isinstance(value, int):
        return hex(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value
