"""The calls that each payment method makes to read from the chain, for `Chain.read_ahead` to send as one batch."""

from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.order_nonces import find_order_nonce
from nvm_chain.operations.payment_methods.choice import signs_messages
from nvm_chain.operations.payment_methods.purchase import OrderArguments, Payer
from nvm_chain.operations.plan_terms import expect_cost
from nvm_chain.operations.token_domains import domain_readers, is_authorization_used, permit_readers
from nvm_chain.operations.tokens import approval_readers, read_allowance, read_token_balance
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import Terms

FROM_ALLOWANCE: Final = (None, "allowance", "approve")
"""The payment methods that read the allowance first. None stands for the automatic choice."""


def payment_readers(
    chain: Chain, signer: Payer, arguments: OrderArguments, terms: Terms, *, likely_read: bool = False
) -> tuple[Reader, ...]:
    """Return the readers that a payment needs, for `Chain.read_ahead`. The plan's terms are known.

    With ``likely_read``, the readers of `likely_readers` have run before and are left out.
    """
    payer, token = signer.address, terms.token
    trial = (partial(read_account, chain, arguments.plan_id, arguments.receiver or payer),) if terms.trial else ()
    if token == ZERO_ADDRESS or not (terms.price or terms.is_quoted):
        return trial
    cost = expect_cost(terms, arguments.quantity, arguments.max_cost)
    asked = () if likely_read and token == chain.usdc else _token_readers(chain, signer, arguments, token)
    return *trial, *asked, *_cost_readers(chain, signer, arguments, token, cost)


def likely_readers(chain: Chain, signer: Payer, arguments: OrderArguments) -> tuple[Reader, ...]:
    """Return the readers that a payment in the chain's USDC needs, for `Chain.read_ahead`.

    Most plans have a price in USDC, so these readers run before the plan's terms are known.
    """
    return () if chain.usdc is None else _token_readers(chain, signer, arguments, chain.usdc)


def _token_readers(
    chain: Chain, signer: Payer, arguments: OrderArguments, token: ChecksumAddress
) -> tuple[Reader, ...]:
    """Return the readers that need the token, for the given payment method or the automatic choice of one."""
    payer, method = signer.address, arguments.payment_method
    asked: tuple[Reader, ...] = (partial(read_token_balance, chain, token, payer),)
    if method in FROM_ALLOWANCE:
        asked = (*asked, partial(read_allowance, chain, token, payer))
    if method == "permit" or (method is None and signs_messages(signer)):
        return *asked, *permit_readers(chain, token, payer), chain.read_time
    return (*asked, *domain_readers(chain, token), chain.read_time) if method == "authorization" else asked


def _cost_readers(
    chain: Chain, signer: Payer, arguments: OrderArguments, token: ChecksumAddress, cost: int
) -> tuple[Reader, ...]:
    """Return the readers that need the cost, for the given payment method or the automatic choice of one."""
    payer, method = signer.address, arguments.payment_method
    # USDC accepts permits. Another token may not, and then an approval follows.
    if method == "approve" or (method is None and not (signs_messages(signer) and token == chain.usdc)):
        return approval_readers(chain, token, payer, cost)
    if method != "authorization":
        return ()

    def ask_use() -> bool:
        whom, count = arguments.receiver, arguments.quantity
        nonce = find_order_nonce(
            chain, arguments.plan_id, payer, receiver=whom, quantity=count, max_cost=cost, salt=arguments.salt
        )
        return is_authorization_used(chain, token, payer, nonce)

    return (ask_use,)
