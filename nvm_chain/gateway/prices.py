"""What a plan costs in money, for the offers that sell it. The catalogue reads it from the chain."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.errors.fields import Credits, Money
from nvm_chain.signing.eip712 import Domain


@dataclass(frozen=True, slots=True)
class PlanPrice:
    """What one purchase of a plan costs, in base units of a token whose true domain is ``token``, and the credits that it gives.

    ``takes_orders`` says whether the plan is sold by signed orders. ``payee`` is who gets a transfer of the scheme ``exact``, and
    None where the plan is not sold in that way.
    """

    token: Domain
    cost: Money
    credits: Credits
    takes_orders: bool = False
    payee: ChecksumAddress | None = None
