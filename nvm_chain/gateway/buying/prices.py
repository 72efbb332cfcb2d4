"""What plans cost in money, and in which ways they are sold here, as the chain has it."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import TokenCannotSign
from nvm_chain.gateway.prices import PlanPrice
from nvm_chain.operations.plans import is_minter
from nvm_chain.operations.token_domains import domain_readers, is_authorization_used, read_token_domain
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState

PROBE: Final = b"\x01" * 32
"""A nonce to ask a token about, which shows whether it takes authorizations at all."""


@dataclass(frozen=True, slots=True)
class Ways:
    """In which ways a gateway sells: by signed orders that it sends, and by signed transfers. ``minter`` grants plans for these."""

    orders: bool = False
    exact: bool = False
    minter: ChecksumAddress | None = None


NO_WAYS: Final = Ways()


def read_price(chain: Chain, plan: PlanState, ways: Ways) -> PlanPrice | None:
    """Return what a plan costs, and how it is sold here. None for a plan that is sold in neither way. About four requests.

    Raises:
        NetworkError: The node does not give a usable answer.
    """
    terms = plan.terms
    by_orders = ways.orders and terms.kind is not PlanKind.USAGE
    if not (by_orders or ways.exact) or terms.price == 0 or terms.paid_externally or terms.token == ZERO_ADDRESS:
        return None
    probe = partial(is_authorization_used, chain, terms.token, plan.owner, PROBE)
    try:
        with chain.reading_ahead(*domain_readers(chain, terms.token), probe):
            domain, _ = read_token_domain(chain, terms.token), probe()
    except TokenCannotSign:
        return None
    payee = find_payee(chain, plan, ways)
    if not by_orders and payee is None:
        return None
    return PlanPrice(domain, terms.price, terms.credits, by_orders, payee)


def find_payee(chain: Chain, plan: PlanState, ways: Ways) -> ChecksumAddress | None:
    """Return who gets a transfer of the scheme ``exact`` for a plan. None where a plan is not sold by it. At most one request.

    A transfer pays one receiver a fixed amount, and nothing else. So the plan has one receiver, no fee and no quoter. Whether
    the plan is active is asked with each payment.
    """
    terms = plan.terms
    if not ways.exact or terms.is_quoted or len(terms.splits) != 1 or plan.fee_bps or terms.trial:
        return None
    receiver = terms.splits[0].receiver
    if terms.kind is PlanKind.USAGE:
        return receiver
    minter = ways.minter
    if minter is None or not (minter == plan.owner or is_minter(chain, plan.plan_id, minter)):
        return None
    return receiver
