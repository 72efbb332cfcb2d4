"""Calls and gas estimates with the sender, the gas limit and the price of a transaction.

A contract may answer differently if a call has no price, as wallets built on Solady's ERC1271 do. `call_forms` has the
forms in which nodes accept a price.
"""

from typing import Final

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.chain.call_forms import (
    BARE,
    CALL,
    ESTIMATE,
    HIGH,
    POOR,
    PROBE_GAS,
    SPENT,
    Form,
    build_parameters,
    find_form,
    forget_form,
    gives_gas,
    recall_form,
    recall_gas,
)
from nvm_chain.chain.intrinsic_gas import LEAST_GAS
from nvm_chain.chain.node import Node
from nvm_chain.chain.purses import Fields, Purse, miss_coin, miss_gas, miss_price, read_purse
from nvm_chain.chain.raw_calls import name_block, parse_answer
from nvm_chain.errors import AnswerUnreadable, RevertedWithoutReason, RpcFailed, TransactionError

DOUBTFUL: Final = (AnswerUnreadable, RpcFailed, TransactionError)
"""The errors of a call that a node may answer for another reason than the contract's."""


def call_priced(
    node: Node, fields: Fields, block: int | None = None, *, least_gas: int | None = None, pays: bool = False
) -> bytes:
    """Make a call in which the contract sees a price, and return the bytes of the answer.

    One request, and a second one once for each connection. A node that refuses the best form of a call costs up to ten
    requests the first time, and then three for each call. A sender with too little coin costs up to five more there.

    Args:
        node: The connection to the node.
        fields: The call with its sender. Fields that only transactions have, such as the nonce, are left out. If there is
            no price, the call gets one.
        block: The number of the block whose state the call reads. The latest block if not given.
        least_gas: The gas limit from which a refusal counts, if the node or the sender's coin does not allow the call's
            own. The call's own if not given.
        pays: True if the sender pays for the transaction later. Then too little coin is an InsufficientCoin.

    Raises:
        TransactionError: The contract refuses the call. The error is the contract's own.
        InsufficientCoin: The node runs the call only if its sender pays for the gas, and the sender cannot.
        RpcFailed: The node does not run the call with a price, or with enough gas.
        NetworkError: The node does not give a usable answer, or no longer has the block.
    """
    at = name_block(block)
    try:
        return _call(node, fields, at, least_gas, pays=pays)
    except (RpcFailed, TransactionError) as error:
        gas, given = fields.get("gas"), recall_gas(node)
        if gas is None or given is None or gas <= given or gives_gas(node, fields["from"], gas):
            raise
        if given < (least_gas or gas):
            raise miss_gas(given, least_gas or gas) from error
        if isinstance(error, TransactionError):
            raise
    return _call(node, {**fields, "gas": given - SPENT}, at, least_gas, pays=pays)


def estimate_priced(node: Node, fields: Fields) -> int:
    """Return the gas that a transaction would use now, if it has a price.

    One request. A node that refuses the best form of an estimate costs up to ten requests the first time, and then three
    for each estimate. Without a price is estimated only what the node does not estimate with a price.

    Raises:
        TransactionError: The transaction would revert.
        NetworkError: The node does not give a usable answer.
    """
    form = recall_form(node, ESTIMATE, fields["from"])
    if form is None:
        try:
            return _estimate_in(HIGH, node, fields)
        except DOUBTFUL as error:
            if not _may_be_refusal(error):
                raise
            form = find_form(node, ESTIMATE, fields["from"])
            if form == HIGH:
                raise
    return _estimate_in(form, node, fields) if form.is_rich or form == BARE else _estimate_poor(form, node, fields)


def _call(node: Node, fields: Fields, block: str, least_gas: int | None, *, pays: bool) -> bytes:
    """Make a call in the best form that the node accepts. The first answer counts once the node has run a probe."""
    answer, doubt = b"", None
    form = recall_form(node, CALL, fields["from"])
    if form is None:
        try:
            answer = _call_in(HIGH, node, fields, block)
        except DOUBTFUL as error:
            doubt = error
        form = find_form(node, CALL, fields["from"])
        if form == HIGH and doubt is None:
            return answer
        if form == HIGH and doubt is not None:
            raise doubt
    if form != BARE:
        try:
            return _call_in(form, node, fields, block)
        except DOUBTFUL as error:
            if form.is_rich or not _may_be_refusal(error):
                raise
            purse = read_purse(node, fields)
            if not _is_poor(purse, fields):
                raise
    else:
        forget_form(node, CALL)
        purse = read_purse(node, fields)
        if not _is_poor(purse, fields):
            raise miss_price(fields, is_poor=False)
    return _call_poor(node, fields, block, purse, least_gas, pays=pays)


def _is_poor(purse: Purse, fields: Fields) -> bool:
    """Return whether a sender has too little coin for a call."""
    gas: int = fields.get("gas", PROBE_GAS)
    return purse.gas({**fields, "gas": gas}) < gas


def _call_poor(node: Node, fields: Fields, block: str, purse: Purse, least_gas: int | None, *, pays: bool) -> bytes:
    """Make a call with the gas that its sender can pay for. A refusal counts from the least gas. At most two requests."""
    gas = purse.gas(fields)
    if least_gas is not None and gas >= LEAST_GAS:
        try:
            return _call_in(POOR, node, {**fields, **purse.prices, "gas": gas}, block)
        except DOUBTFUL:
            if gas >= least_gas:
                raise
    if not pays:
        raise miss_price(fields, is_poor=True)
    least = least_gas or fields.get("gas", PROBE_GAS)
    raise miss_coin(fields, purse, _find_needed(node, fields, more_than=gas) or max(least, gas + 1))


def _find_needed(node: Node, fields: Fields, *, more_than: int) -> int | None:
    """Return the gas that a call needs, by an estimate without a price. None if that does not say it. One request."""
    try:
        needed = _estimate_in(BARE, node, {**fields, "gas": None}) * 5 // 4
    except DOUBTFUL:
        return None
    return needed if needed > more_than else None


def _estimate_poor(form: Form, node: Node, fields: Fields) -> int:
    """Return an estimate for a sender that has only its own coin.

    If that is too little, the estimate is made without a price. So the caller learns how much coin is missing.
    """
    try:
        return _estimate_in(form, node, fields)
    except DOUBTFUL as error:
        if not _may_be_refusal(error):
            raise
        estimate = _estimate_in(BARE, node, fields)
        if not _is_poor(read_purse(node, fields), {**fields, "gas": estimate}):
            raise
        return estimate


def _call_in(form: Form, node: Node, fields: Fields, block: str) -> bytes:
    return parse_answer(node.ask(CALL, *build_parameters(node, fields, form, block), calls=True))


def _estimate_in(form: Form, node: Node, fields: Fields) -> int:
    answer = node.ask(ESTIMATE, *build_parameters(node, fields, form), calls=True)
    with node.typed_errors():
        return check_number(read_number(answer))


def _may_be_refusal(error: Exception) -> bool:
    """Return whether an error may be the node's own, and not the contract's: some nodes call their refusals reverts."""
    return not isinstance(error, TransactionError) or (isinstance(error, RevertedWithoutReason) and error.data == "0x")
