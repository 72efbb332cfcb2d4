"""Relays of many signed orders. The relayer pays the gas, and the payer of each order pays its price."""

from collections.abc import Callable, Iterable

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.shipments import Outcome
from nvm_chain.errors import AuthorizationFailed, ConnectionFailed, NvmChainError
from nvm_chain.operations.order_simulations import encode_signed_order
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.signed_orders import check_signed_order, explained_order, find_true_cause
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.signers import check_transaction_signer
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt


def relay_orders(
    chain: Chain,
    signer: Signer,
    orders: Iterable[SignedOrder],
    *,
    on_progress: Callable[[int], object] | None = None,
) -> list[OrderReceipt | NvmChainError]:
    """Send many signed orders, and return the outcome of each. One transaction for each order.

    Hundreds of transactions wait to be mined at the same time. Each order gets the checks of `relay_order`. An order
    that would fail is not sent. Its failure does not affect the others. An order is never made twice, so you can relay
    it again after NotMined or OutcomeUnknown.

    Args:
        chain: The connection to the plans' chain.
        signer: The relayer.
        orders: The orders.
        on_progress: A function that gets the number of known outcomes, each time it grows.

    Returns:
        A list in the order of ``orders``. It has the receipt of each order, or the error of `relay_order`.

    Raises:
        InvalidConfig: ``signer`` cannot sign transactions.
        NetworkError: The node does not give a usable answer. Nothing was sent.
    """
    check_transaction_signer(signer)
    listed = list(orders)
    found: dict[int, OrderReceipt | NvmChainError] = {}
    plans: dict[int, PlanState] = {}
    for place, signed in enumerate(listed):
        try:
            plans[place] = check_signed_order(chain, signed, relayer=signer.address)
        except ConnectionFailed:
            raise
        except NvmChainError as error:
            found[place] = error
    functions = [encode_signed_order(chain, listed[place]) for place in plans]
    calls = [Call(encode_call(function), function.address) for function in functions]
    told = None if on_progress is None else lambda count: on_progress(count + len(listed) - len(plans))
    outcomes = chain.send_many(signer, calls, on_progress=told)
    for (place, plan), outcome in zip(plans.items(), outcomes, strict=True):
        found[place] = _read(chain, signer, plan, listed[place], outcome)
    return [found[place] for place in range(len(listed))]


def _read(
    chain: Chain, signer: Signer, plan: PlanState, signed: SignedOrder, outcome: Outcome
) -> OrderReceipt | NvmChainError:
    """Return the receipt of an order, or its error. At most six requests, which find the cause of a failed payment."""
    order = signed.order
    try:
        with explained_order(chain, plan, order, signer.address):
            receipt = outcome.read()
        return build_order_receipt(chain, plan, order.payer, receipt, collected=order.max_cost)
    except AuthorizationFailed as error:
        return find_true_cause(chain, signed, error)
    except NvmChainError as error:
        return error
