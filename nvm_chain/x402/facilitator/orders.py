"""Payments by ``nvm-order`` as a facilitator checks them: a signed order, which it sends for the payer."""

from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import InputError, PaymentMalformed, PaymentRefused
from nvm_chain.meter.store.payments import NewPayment, PaymentPurpose
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.order_simulations import encode_signed_order
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.x402.accepted import read_integer
from nvm_chain.x402.facilitating import INVALID_REQUIREMENTS, FacilitatorRequest
from nvm_chain.x402.facilitator.exact import check_network
from nvm_chain.x402.orders import ORDER_SCHEME, read_order

ORDER_GAS: Final = 600_000
"""The most gas of an order. The code of a payer or of a quoter could use much more."""


def read_demanded_order(chain: Chain, request: FacilitatorRequest) -> SignedOrder:
    """Return the order of a request, which is what the resource server requires. No request to the node.

    Raises:
        PaymentMalformed: The payload cannot be read.
        PaymentRefused: The order is for another plan, token or contract, or authorizes less than is required.
    """
    check_network(chain, request, ORDER_SCHEME)
    signed, _, _ = read_order(request.payload)
    required, extra = request.required, request.required.extra or {}
    try:
        token, contract = parse_address(required.asset or "", "asset"), parse_address(required.pay_to or "", "payTo")
        plan_id, amount = parse_plan_id(extra.get("planId", "")), read_integer(required.amount, "amount")
    except PaymentMalformed as error:
        raise PaymentRefused(INVALID_REQUIREMENTS, error.reason) from None
    except InputError as error:
        raise PaymentRefused(INVALID_REQUIREMENTS, error.problem) from None
    for name, own, wanted in (
        ("contract", contract, chain.credits.address),
        ("contract of the order", signed.contract, contract),
        ("token of the order", signed.token.address, token),
        ("chain of the order", signed.token.chain_id, chain.chain_id),
        ("plan of the order", signed.order.plan_id, plan_id),
    ):
        if own != wanted:
            raise PaymentRefused(INVALID_REQUIREMENTS, f"the {name} is {own}, and not {wanted}")
    if signed.order.max_cost < amount:
        raise PaymentRefused(INVALID_REQUIREMENTS, f"the order authorizes {signed.order.max_cost}, and not {amount}")
    return signed


def claim_order(chain: Chain, signed: SignedOrder, submitter: bytes, key: bytes) -> NewPayment:
    """Return what the books are to have of an order. No request.

    An order is a transfer of its maximum cost to Credits, whose nonce is bound to the plan. So the proof that it was made
    is that of any signed transfer.
    """
    call, order = encode_signed_order(chain, signed), signed.order
    return NewPayment(
        chain_id=chain.chain_id,
        token=signed.token.address,
        payer=order.payer,
        nonce=find_nonce(chain, order),
        purpose=PaymentPurpose.FACILITATOR,
        payee=chain.credits.address,
        value=order.max_cost,
        valid_before=order.valid_before,
        call_to=call.address,
        call_data=bytes.fromhex(encode_call(call)[2:]),
        plan_id=order.plan_id,
        quantity=order.quantity,
        submitter=submitter,
        resource=key,
    )
