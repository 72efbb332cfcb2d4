"""The requests of each payment method, as readers for `Chain.read_ahead`. They share one round trip."""

from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.payment_methods.choice import signs_messages
from nvm_chain.operations.payment_methods.purchase import Wish
from nvm_chain.operations.plan_terms import expect_cost
from nvm_chain.operations.signed_orders import find_order_nonce
from nvm_chain.operations.token_domains import domain_questions, is_authorization_used, permit_questions
from nvm_chain.operations.tokens import approval_questions, read_allowance, read_token_balance
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import Terms

FROM_ALLOWANCE: Final = (None, "allowance", "approve")
"""The payment methods that read the allowance first. None stands for the automatic choice."""


def payment_questions(
    chain: Chain, signer: Signer, wish: Wish, terms: Terms, *, likely_asked: bool = False
) -> tuple[Reader, ...]:
    """Return the readers that a payment needs under known terms, to run in one round trip by `Chain.read_ahead`.

    With ``likely_asked``, the readers of `likely_questions` have run before and are left out.
    """
    payer, token = signer.address, terms.token
    trial = (partial(read_account, chain, wish.plan_id, wish.receiver or payer),) if terms.trial else ()
    if token == ZERO_ADDRESS or not (terms.price or terms.is_quoted):
        return trial
    cost = expect_cost(terms, wish.quantity, wish.max_cost)
    asked = () if likely_asked and token == chain.usdc else _token_questions(chain, signer, wish, token)
    return *trial, *asked, *_cost_questions(chain, signer, wish, token, cost)


def likely_questions(chain: Chain, signer: Signer, wish: Wish) -> tuple[Reader, ...]:
    """Return the readers that a payment in the chain's USDC needs, to run in one round trip by `Chain.read_ahead`.

    Most plans have a price in USDC, so these readers run before the plan's terms are known.
    """
    return () if chain.usdc is None else _token_questions(chain, signer, wish, chain.usdc)


def _token_questions(chain: Chain, signer: Signer, wish: Wish, token: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of a payment method for a token. Without a method, return those of the automatic choice."""
    payer, method = signer.address, wish.payment_method
    asked: tuple[Reader, ...] = (partial(read_token_balance, chain, token, payer),)
    if method in FROM_ALLOWANCE:
        asked = (*asked, partial(read_allowance, chain, token, payer))
    if method == "permit" or (method is None and signs_messages(signer)):
        return *asked, *permit_questions(chain, token, payer), chain.read_time
    return (*asked, *domain_questions(chain, token), chain.read_time) if method == "authorization" else asked


def _cost_questions(chain: Chain, signer: Signer, wish: Wish, token: ChecksumAddress, cost: int) -> tuple[Reader, ...]:
    """Return the readers of a payment method whose requests depend on the cost."""
    payer, method = signer.address, wish.payment_method
    # USDC accepts permits. Another token may not, and then an approval follows.
    if method == "approve" or (method is None and not (signs_messages(signer) and token == chain.usdc)):
        return approval_questions(chain, token, payer, cost)
    if method != "authorization":
        return ()

    def ask_use() -> bool:
        whom, count = wish.receiver, wish.quantity
        nonce = find_order_nonce(
            chain, wish.plan_id, payer, receiver=whom, quantity=count, max_cost=cost, salt=wish.salt
        )
        return is_authorization_used(chain, token, payer, nonce)

    return (ask_use,)
