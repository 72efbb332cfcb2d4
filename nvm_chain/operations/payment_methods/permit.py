"""Payment by a permit (EIP-2612): the payer signs the approval, and the order carries it."""

from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.token_domains import PermitTerms, read_permit_terms
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS, MessageSigner
from nvm_chain.signing.keys import Signer, check_message_signer
from nvm_chain.signing.permits import Permit, sign_permit
from nvm_chain.types.receipts import OrderReceipt


def order_with_permit(
    chain: Chain, signer: Signer, purchase: Purchase, terms: PermitTerms | None = None
) -> OrderReceipt:
    """Sign a permit for exactly the highest cost of the order, and send the order with it. One transaction.

    ``terms`` has the token's domain and the payer's next nonce, and is read if not given. Raises TokenCannotSign.
    """
    payer = check_message_signer(signer)
    terms = terms or read_permit_terms(chain, purchase.token, signer.address)
    receipt = chain.send(signer, _sign_into_call(chain, payer, purchase, terms))
    return build_order_receipt(chain, purchase.plan, signer.address, receipt)


def _sign_into_call(chain: Chain, signer: MessageSigner, purchase: Purchase, terms: PermitTerms) -> ContractFunction:
    deadline = chain.read_time() + SIGNATURE_SECONDS
    permit = Permit(signer.address, chain.credits.address, purchase.max_cost, terms.nonce, deadline)
    signature = sign_permit(signer, permit, token=terms.domain)
    order = (purchase.plan.plan_id, purchase.receiver, purchase.quantity, purchase.max_cost)
    return chain.credits.functions.orderWithPermit(*order, (deadline, *signature))
