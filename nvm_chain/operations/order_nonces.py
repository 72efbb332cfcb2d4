"""Nonces of signed orders: derive one, and find the order again that used it."""

from typing import Final

from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.errors import NetworkError, OrderAlreadyMade, RpcFailed
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.token_domains import find_authorization_use, is_authorization_used
from nvm_chain.signing.signed_orders import OrderAuthorization, authorization_nonce, build_order_authorization
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt

_LOOK_FIRST: Final = "look at the payer's credits before you order under another name, or repeat this with another node"


def find_nonce(chain: Chain, order: OrderAuthorization) -> bytes:
    """Return the nonce of an order's authorization on this chain, 32 bytes. No request."""
    return authorization_nonce(order, chain_id=chain.chain_id, contract=chain.credits.address)


def find_order_nonce(
    chain: Chain, plan_id: int | str, payer: str, *, receiver: str | None, quantity: int, max_cost: int, salt: bytes
) -> bytes:
    """Return the nonce of an order's authorization. It does not depend on the validity period. No request."""
    order = build_order_authorization(
        plan_id, payer=payer, receiver=receiver, quantity=quantity, max_cost=max_cost, valid_before=2, salt=salt
    )
    return authorization_nonce(order, chain_id=chain.chain_id, contract=chain.credits.address)


def find_made_order(
    chain: Chain, payer: str, plan: PlanState, salt: bytes, *, receiver: str | None = None, quantity: int = 1
) -> OrderReceipt | None:
    """Find the receipt of an order with this salt and the plan's fixed price. None if the order was not made.

    One request if the order was not made, else four. More if the node limits the range of blocks.

    Args:
        chain: The connection to the plan's chain.
        payer: The address that signed the order.
        plan: The plan's state.
        salt: The order's salt, 32 bytes.
        receiver: The address that gets the credits. The payer's address if not given.
        quantity: The number of purchases.

    Raises:
        TokenCannotSign: The token does not accept authorizations (EIP-3009).
        OrderAlreadyMade: The payer canceled the order, or the node does not find the order's transaction. In the second
            case the node's error is the cause of this one.
        NetworkError: The node does not tell whether the order was made.
    """
    payer, most = parse_address(payer, "payer address"), plan.terms.price * quantity
    nonce = find_order_nonce(chain, plan.plan_id, payer, receiver=receiver, quantity=quantity, max_cost=most, salt=salt)
    if not is_authorization_used(chain, plan.terms.token, payer, nonce):
        return None
    try:
        receipt = _find_use(chain, plan, payer, nonce)
    except NetworkError as error:
        cause = f"the node does not show its transaction ({error.problem.rstrip('.')})"
        raise OrderAlreadyMade(payer, nonce).explain(cause, _LOOK_FIRST) from error
    return build_order_receipt(chain, plan, payer, receipt, collected=most)


def _find_use(chain: Chain, plan: PlanState, payer: str, nonce: bytes) -> TxReceipt:
    """Return the receipt of the transaction that used an authorization. Raises OrderAlreadyMade if it was canceled."""
    made = find_authorization_use(chain, plan.terms.token, payer, nonce)
    if made is None:
        raise OrderAlreadyMade(payer, nonce)
    receipt = chain.find_receipt(made)
    if receipt is None:
        raise RpcFailed(f"it has no receipt of {made}")
    return receipt
