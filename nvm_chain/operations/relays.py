"""Bringing many signed orders at once: the relayer pays the gas, each order's payer the price."""

from collections.abc import Callable, Iterable

from nvm_chain.chain.client import Chain
from nvm_chain.chain.gas_limits import Call
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.shipments import Outcome
from nvm_chain.errors import ConnectionFailed, NvmChainError
from nvm_chain.operations.payment_causes import explained_payment
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.signed_orders import check_signed_order, encode_signed_order
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
    """Send many signed orders, hundreds on their way at once, and return what became of each. One transaction for each.

    Each is checked as `relay_order` does; one that would fail is not sent, and harms no other. An order is made once,
    however often it is brought, so after NotMined and OutcomeUnknown it can be brought again.

    Args:
        chain: Where the plans are.
        signer: The relayer.
        orders: The orders.
        on_progress: Called with the number of orders whose outcome is known when it grows.

    Returns:
        For each order, in the order given, its receipt, or the error that `relay_order` would raise.

    Raises:
        InvalidConfig: The signer is not one, or signs no transactions.
        NetworkError: The node cannot be used. Nothing was sent.
    """
    check_transaction_signer(signer)
    listed = list(orders)
    found: dict[int, OrderReceipt | NvmChainError] = {}
    plans: dict[int, PlanState] = {}
    for place, signed in enumerate(listed):
        try:
            plans[place] = check_signed_order(chain, signed)
        except ConnectionFailed:
            raise
        except NvmChainError as error:
            found[place] = error
    functions = [encode_signed_order(chain, listed[place]) for place in plans]
    calls = [Call(encode_call(function), function.address) for function in functions]
    told = None if on_progress is None else lambda count: on_progress(count + len(listed) - len(plans))
    outcomes = chain.send_many(signer, calls, on_progress=told)
    for (place, plan), outcome in zip(plans.items(), outcomes, strict=True):
        found[place] = _read(chain, plan, listed[place], outcome)
    return [found[place] for place in range(len(listed))]


def _read(chain: Chain, plan: PlanState, signed: SignedOrder, outcome: Outcome) -> OrderReceipt | NvmChainError:
    """Return what became of an order, with the cause if a payment failed. At most six requests if it failed."""
    order = signed.order
    try:
        with explained_payment(chain, plan.terms.token, order.payer, signed=True):
            receipt = outcome.read()
        return build_order_receipt(chain, plan, order.payer, receipt, collected=order.max_cost)
    except NvmChainError as error:
        return error
