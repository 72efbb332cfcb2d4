"""Drafts of plans: what `register_plan` would send, before anything is signed."""

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors.fields import BasisPoints, Coin, PlanId, Quantity
from nvm_chain.metadata.documents import check_public_uri
from nvm_chain.operations.plans import check_sale, choose_salt, read_protocol_fee
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import compute_plan_id
from nvm_chain.types.plans import Terms, build_terms
from nvm_chain.types.prices import PriceConfig


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A plan that is not registered yet.

    ``plan_id`` is the id that the plan gets if ``creator`` registers it with this ``salt``. ``fee_bps`` is the present protocol
    fee. ``gas`` is the transaction's gas limit, and ``max_cost_wei`` its highest cost now.
    """

    plan_id: PlanId
    creator: ChecksumAddress
    terms: Terms
    uri: str
    salt: bytes
    fee_bps: BasisPoints
    gas: Quantity
    max_cost_wei: Coin


def draft_plan(
    chain: Chain,
    creator: str,
    price: PriceConfig,
    credits: CreditsConfig,
    *,
    uri: str = "",
    salt: bytes | None = None,
    allow_tiny_price: bool = False,
    max_fee_bps: int | None = None,
) -> PlanDraft:
    """Check a plan as `register_plan` does, and return what it would send. Nothing is signed or sent.

    The node simulates the registration, so a draft fails as the registration would. Up to seven requests.

    Args:
        chain: The connection to the chain that would get the plan.
        creator: The address that would register the plan. No key is needed.
        price: The price of a purchase, with its receivers.
        credits: The credits or periods that a purchase grants, and the rules for them.
        uri: The URI of the plan's metadata.
        salt: 32 bytes that distinguish plans with equal terms. Random if not given.
        allow_tiny_price: Whether a receiver may get less than a thousandth of the token, or a billionth of the native
            coin.
        max_fee_bps: The highest accepted protocol fee, in basis points. The present fee if not given.

    Raises:
        SuspiciousPrice: A receiver would get so little that the amount may be in whole tokens by mistake.
        InvalidConfig: A receiver is the contract of the token.
        SecretInMetadata: The URI contains a user name or a secret, or its metadata contains a secret.
        FeeAboveMax: The protocol fee is higher than ``max_fee_bps``.
        PlanAlreadyRegistered: The creator registered the same terms with the same salt before.
    """
    sender, terms = parse_address(creator, "creator address"), build_terms(price, credits)
    salt = choose_salt(salt)
    check_public_uri(uri)
    most = check_sale(chain, price, max_fee_bps, allow_tiny_price=allow_tiny_price)
    fee_bps = most if max_fee_bps is None else read_protocol_fee(chain)
    data = encode_call(chain.credits.functions.registerPlan(terms.as_tuple(), salt, uri, most))
    gas = chain.estimate_gas(sender, data, chain.credits.address)
    plan_id = compute_plan_id(chain.chain_id, chain.credits.address, sender, terms, salt)
    return PlanDraft(plan_id, sender, terms, uri, salt, fee_bps, gas, gas * chain.read_fees()[0])
