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

    ``salt``, 32 bytes, is random if not given. An order that is the same in everything, its salt too, is paid once. Raises
    TokenCannotSign, OrderAlreadyMade, AuthorizationFailed.
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
