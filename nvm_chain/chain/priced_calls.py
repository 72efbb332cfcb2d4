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
    SPENT,
    Fields,
    Form,
    build_parameters,
    can_pay,
    find_form,
    forget_form,
    gives_gas,
    recall_form,
    recall_gas,
)
from nvm_chain.chain.node import Node
from nvm_chain.chain.raw_calls import name_block, parse_answer
from nvm_chain.errors import AnswerUnreadable, RevertedWithoutReason, RpcFailed, TransactionError

DOUBTFUL: Final = (AnswerUnreadable, RpcFailed, TransactionError)
"""The errors of a call that a node may answer for another reason than the contract's."""


def call_priced(node: Node, fields: Fields, block: int | None = None, *, least_gas: int | None = None) -> bytes:
    """Make a call in which the contract sees a price, and return the bytes of the answer.

    One request, and a second one once for each connection. A node that refuses the best form of a call costs up to ten
    requests the first time, and then three for each call.

    Args:
        node: The connection to the node.
        fields: The call with its sender. Fields that only transactions have, such as the nonce, are left out. If there is
            no price, the call gets one.
        block: The number of the block whose state the call reads. The latest block if not given.
        least_gas: The gas limit from which an answer counts. The call's own if not given.

    Raises:
        TransactionError: The contract refuses the call. The error is the contract's own.
        RpcFailed: The node does not run the call with a price, or with enough gas.
        NetworkError: The node does not give a usable answer, or no longer has the block.
    """
    at = name_block(block)
    try:
        return _call(node, fields, at)
    except (RpcFailed, TransactionError) as error:
        gas, given = fields.get("gas"), recall_gas(node)
        if gas is None or given is None or gas <= given or gives_gas(node, fields["from"], gas):
            raise
        if given < (least_gas or gas):
            raise _miss_gas(given, least_gas or gas) from error
        if isinstance(error, TransactionError):
            raise
    return _call(node, {**fields, "gas": given - SPENT}, at)


def estimate_priced(node: Node, fields: Fields) -> int:
    """Return the gas that a transaction would use now, if it has a price.

    One request. A node that refuses the best form of an estimate costs up to ten requests the first time, and then three
    for each estimate. Without a price is estimated only what the node does not estimate with a price.

    Raises TransactionError if the transaction would revert, or a NetworkError.
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


def _call(node: Node, fields: Fields, block: str) -> bytes:
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
            if form.is_rich or not _may_be_refusal(error) or can_pay(node, fields):
                raise
    forget_form(node, CALL)
    raise _refuse_unpriced(node, fields)


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
        if can_pay(node, {**fields, "gas": estimate}):
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


def _refuse_unpriced(node: Node, fields: Fields) -> RpcFailed:
    """Return the error for a call that the node runs without a price only. At most three requests."""
    error = RpcFailed("it does not run this call with a gas price")
    if can_pay(node, fields):
        cause = (
            "without a price a contract may answer differently than to a transaction, so that answer would not count"
        )
        return error.explain(cause, "use another node")
    cause = f"it accepts no other balance for {fields['from']}, which has too little coin to pay for the gas"
    return error.explain(cause, "name an account with coin as the sender, or use another node")


def _miss_gas(given: int, needed: int) -> RpcFailed:
    """Return the error for a node whose limit for the gas of a call is too low."""
    error = RpcFailed(f"it gives a call about {given} gas at most, and this call needs {needed}")
    return error.explain("with less gas a contract may answer differently", "use another node")
