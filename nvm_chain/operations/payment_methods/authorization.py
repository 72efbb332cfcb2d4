"""Payment by an authorization (EIP-3009): the payer signs the whole order, and the token moves the money."""

from nvm_chain.chain.client import Chain
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.signed_orders import send_signed_order, sign_for_plan
from nvm_chain.signing.keys import Signer, check_message_signer
from nvm_chain.types.receipts import OrderReceipt


def order_with_authorization(
    chain: Chain, signer: Signer, purchase: Purchase, salt: bytes | None = None
) -> OrderReceipt:
    """Sign the order and send it. One transaction.

    ``salt`` has 32 bytes, and is random if not given. The token pays two equal orders with the same salt only once.
    Raises TokenCannotSign, OrderAlreadyMade or AuthorizationFailed.
    """
    signed = sign_for_plan(
        chain,
        check_message_signer(signer),
        purchase.plan,
        receiver=purchase.receiver,
        quantity=purchase.quantity,
        max_cost=purchase.max_cost,
        salt=salt,
    )
    return send_signed_order(chain, signer, purchase.plan, signed)
