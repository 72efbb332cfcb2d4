"""Plans: register them, read them, quote them, and change their state, URI, rights and owner."""

import secrets
from functools import partial

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.nonce_search import is_undoable
from nvm_chain.chain.receipts import summarize
from nvm_chain.enums import PlanKind
from nvm_chain.errors import (
    CostAboveMax,
    InvalidConfig,
    PaidExternally,
    PlanNotActive,
    SuspiciousPrice,
    TrialOrderedForOther,
    WrongKind,
)
from nvm_chain.metadata.documents import check_public_uri
from nvm_chain.operations.plan_terms import ask_terms, plan_readers, read_state, read_terms_once
from nvm_chain.operations.plan_terms import parse_terms as parse_terms
from nvm_chain.operations.tokens import name_money, read_token_info, token_info_readers
from nvm_chain.signing.keys import Signer
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address, parse_address_or_zero
from nvm_chain.types.amounts import NATIVE_DECIMALS, check_bool, check_uint
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import parse_plan_id
from nvm_chain.types.plans import Plan, PlanState, RegisteredPlan, Terms, build_terms
from nvm_chain.types.prices import PriceConfig
from nvm_chain.types.receipts import Transaction

QUANTITY_BITS = 32
FEE_BITS = 16
TINY_PRICE_DECIMALS = 3
"""A receiver's part below 10**-3 of the token counts as a mistake, unless the caller allows it."""
TINY_COIN_WEI = 10**9
"""A receiver's part below 10**9 wei, a billionth of the native coin, counts as a mistake too."""


def register_plan(
    chain: Chain,
    signer: Signer,
    price: PriceConfig,
    credits: CreditsConfig,
    *,
    uri: str = "",
    salt: bytes | None = None,
    allow_tiny_price: bool = False,
    max_fee_bps: int | None = None,
) -> RegisteredPlan:
    """Register a plan. The signer becomes its owner, and the plan takes orders at once. One transaction.

    The terms never change, and the plan keeps the present protocol fee. Up to three requests before the transaction.

    Args:
        chain: The connection to the chain that gets the plan.
        signer: The plan's first owner.
        price: The price of a purchase, with its receivers.
        credits: The credits or periods that a purchase grants, and the rules for them.
        uri: The URI of the plan's metadata.
        salt: 32 bytes that distinguish plans with equal terms. Random if not given. A repeated call with the same salt
            raises PlanAlreadyRegistered.
        allow_tiny_price: Whether a receiver may get less than a thousandth of the token, or a billionth of the native
            coin.
        max_fee_bps: The highest accepted protocol fee, in basis points. The present fee if not given, so the
            registration fails if the fee rises before it is mined.

    Raises:
        SuspiciousPrice: A receiver would get so little that the amount may be in whole tokens by mistake.
        InvalidConfig: A receiver is the contract of the token.
        SecretInMetadata: The URI contains a user name or a secret, or its metadata contains a secret.
        InvalidMetadata: The URI is a ``data:`` URI that does not hold a JSON object.
        FeeAboveMax: The protocol fee is higher than ``max_fee_bps``.
        PlanAlreadyRegistered: The signer registered the same terms with the same salt before.
    """
    terms, salt = build_terms(price, credits), choose_salt(salt)
    check_public_uri(uri)
    most = check_sale(chain, price, max_fee_bps, allow_tiny_price=allow_tiny_price)
    receipt = chain.send(signer, chain.credits.functions.registerPlan(terms.as_tuple(), salt, uri, most))
    event = chain.read_event(chain.credits, "PlanRegistered", receipt)["args"]
    return RegisteredPlan(event["planId"], event["creator"], terms, salt, event["feeBps"], summarize(receipt))


def check_sale(chain: Chain, price: PriceConfig, max_fee_bps: int | None, *, allow_tiny_price: bool) -> int:
    """Refuse a price that looks like a mistake. Return the highest accepted protocol fee. One round trip."""
    if max_fee_bps is not None:
        check_uint(max_fee_bps, FEE_BITS, "max_fee_bps")
    _check_receivers(price)
    asks_token = not allow_tiny_price and price.token != ZERO_ADDRESS
    readers = token_info_readers(chain, price.token) if asks_token else ()
    with chain.reading_ahead(*readers, partial(read_protocol_fee, chain)):
        if not allow_tiny_price:
            check_price(chain, price)
        return read_protocol_fee(chain) if max_fee_bps is None else max_fee_bps


def read_protocol_fee(chain: Chain) -> int:
    """Read the protocol fee that a plan gets if it is registered now, in basis points. One request."""
    return int(chain.read(chain.credits.functions.protocolFee())[0])


def choose_salt(salt: object) -> bytes:
    """Return a salt, or a random one for None. Raises InvalidConfig if it is not 32 bytes."""
    return secrets.token_bytes(32) if salt is None else check_salt(salt)


def check_salt(salt: object) -> bytes:
    """Return a salt. Raises InvalidConfig if it is not 32 bytes."""
    if not isinstance(salt, bytes):
        raise InvalidConfig(f"a salt is 32 bytes, not {type(salt).__name__}")
    if len(salt) != 32:
        raise InvalidConfig(f"a salt has 32 bytes, not {len(salt)}")
    return salt


def check_price(chain: Chain, price: PriceConfig) -> None:
    """Raise SuspiciousPrice for a price such as 20 base units, which may be a mistake for 20 tokens.

    No request for the native coin. For a token, the requests of `read_token_info`.
    """
    if not price.splits or price.quoter is not None:
        return
    least = min(split.amount for split in price.splits)
    if price.token == ZERO_ADDRESS:
        if least < TINY_COIN_WEI:
            raise SuspiciousPrice(least, NATIVE_DECIMALS, "ETH")
        return
    info = read_token_info(chain, price.token)
    if least < 10 ** max(info.decimals - TINY_PRICE_DECIMALS, 0):
        raise SuspiciousPrice(least, info.decimals, info.symbol)


def read_plan(chain: Chain, plan_id: int | str) -> Plan:
    """Read a plan's terms, state and URI. One request, or three if the node refuses batches. Raises UnknownPlan."""
    number = parse_plan_id(plan_id)
    read_uri = partial(_read_uri, chain, number)
    with chain.reading_ahead(*plan_readers(chain, number), read_uri):
        state = read_plan_state(chain, number)
        return Plan.of(state, read_uri())


def _read_uri(chain: Chain, plan_id: int) -> str:
    return str(chain.read(chain.credits.functions.uri(plan_id)))


def read_plan_state(chain: Chain, plan_id: int | str) -> PlanState:
    """Read a plan's terms and state, without its URI. A URI may hold a whole document.

    One request, or two if the node refuses batches. Raises UnknownPlan.
    """
    number = parse_plan_id(plan_id)
    with chain.reading_ahead(*plan_readers(chain, number)):
        owner, pending_owner, active, fee_bps = read_state(chain, number)
        terms = read_terms_once(chain, number)
    return PlanState(
        plan_id=number,
        terms=terms,
        owner=owner,
        pending_owner=None if pending_owner == ZERO_ADDRESS else pending_owner,
        active=active,
        fee_bps=fee_bps,
    )


def read_terms(chain: Chain, plan_id: int | str) -> Terms:
    """Read a plan's terms, which never change.

    One request. The terms are kept, and a second call makes no request. On a development chain whose blocks can be
    undone, every call makes one. Raises UnknownPlan.
    """
    number = parse_plan_id(plan_id)
    return ask_terms(chain, number) if is_undoable(chain) else read_terms_once(chain, number)


def check_orderable(plan: PlanState, payer: str, receiver: str) -> None:
    """Raise an error if a plan does not accept an order of this payer for this receiver. No request.

    Raises PlanNotActive, WrongKind, PaidExternally or TrialOrderedForOther.
    """
    if not plan.active:
        raise PlanNotActive(plan.plan_id)
    if plan.terms.kind is PlanKind.USAGE:
        raise WrongKind(plan.plan_id, plan.terms.kind)
    if plan.terms.paid_externally:
        raise PaidExternally(plan.plan_id)
    if plan.terms.trial and payer != receiver:
        raise TrialOrderedForOther(plan.plan_id, payer, receiver)


def check_cost(chain: Chain, payer: str, plan: PlanState, quantity: int, max_cost: int | None) -> tuple[int, int]:
    """Read the present cost of ``quantity`` purchases for ``payer``, and compare it with ``max_cost``. One request.

    Returns:
        The cost and the limit, both in base units. The limit is ``max_cost``, or the cost if ``max_cost`` is None.

    Raises:
        CostAboveMax: The cost is above the limit.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        QuoteFailed: The plan's quoter, the contract that names the price, fails.
    """
    cost = quote_plan(chain, payer, plan.plan_id, quantity)
    most = cost if max_cost is None else check_uint(max_cost, 256, "max_cost")
    if cost > most:
        raise name_money(chain, CostAboveMax(cost, most), plan.terms.token)
    return cost, most


def quote_plan(chain: Chain, payer: str, plan_id: int | str, quantity: int = 1) -> int:
    """Read the cost of ``quantity`` purchases for ``payer``, in base units of the plan's token. One request.

    Raises UnknownPlan, PaidExternally, InvalidAmount, InvalidQuantity or QuoteFailed.
    """
    check_uint(quantity, QUANTITY_BITS, "quantity", minimum=1)
    quote = chain.credits.functions.quote
    return int(chain.read(quote(parse_plan_id(plan_id), parse_address(payer, "payer address"), quantity)))


def set_plan_active(chain: Chain, signer: Signer, plan_id: int | str, active: bool) -> Transaction:
    """Allow or stop new orders of a plan. Only for its owner. One transaction. Raises NotPlanOwner or UnknownPlan."""
    check_bool(active, "active")
    return summarize(chain.send(signer, chain.credits.functions.setPlanActive(parse_plan_id(plan_id), active)))


def set_plan_uri(chain: Chain, signer: Signer, plan_id: int | str, uri: str) -> Transaction:
    """Change the URI of a plan's metadata. Only for the plan's owner. One transaction.

    Raises NotPlanOwner, UnknownPlan, InvalidConfig, InvalidMetadata or SecretInMetadata.
    """
    check_public_uri(uri)
    return summarize(chain.send(signer, chain.credits.functions.setPlanUri(parse_plan_id(plan_id), uri)))


def set_redeemer(chain: Chain, signer: Signer, plan_id: int | str, redeemer: str, allowed: bool) -> Transaction:
    """Allow an address to settle vouchers of a plan and to redeem its credits, or forbid both. One transaction.

    A redeemer may always settle vouchers. A redeemer may redeem, or settle without a voucher, only if the plan's rule
    includes redeemers.

    Raises:
        NotPlanOwner: The signer is not the plan's owner.
        UnknownPlan: The plan is not registered.
    """
    address = parse_address(redeemer, "redeemer address")
    check_bool(allowed, "allowed")
    return summarize(chain.send(signer, chain.credits.functions.setRedeemer(parse_plan_id(plan_id), address, allowed)))


def set_minter(chain: Chain, signer: Signer, plan_id: int | str, minter: str, allowed: bool) -> Transaction:
    """Allow an address to mint a plan's credits, or forbid it. Only for the plan's owner. One transaction.

    Raises NotPlanOwner or UnknownPlan.
    """
    address = parse_address(minter, "minter address")
    check_bool(allowed, "allowed")
    return summarize(chain.send(signer, chain.credits.functions.setMinter(parse_plan_id(plan_id), address, allowed)))


def transfer_plan_ownership(chain: Chain, signer: Signer, plan_id: int | str, new_owner: str) -> Transaction:
    """Offer a plan to a new owner, who has to accept it. Only for the plan's owner. One transaction.

    The zero address as new owner withdraws an offer. Raises NotPlanOwner or UnknownPlan.
    """
    address = parse_address_or_zero(new_owner, "new owner's address")
    function = chain.credits.functions.transferPlanOwnership(parse_plan_id(plan_id), address)
    return summarize(chain.send(signer, function))


def accept_plan_ownership(chain: Chain, signer: Signer, plan_id: int | str) -> Transaction:
    """Become the owner of a plan that was offered to the signer. One transaction.

    The redeemers and minters of the former owner lose their rights. Raises NotPendingPlanOwner or UnknownPlan.
    """
    return summarize(chain.send(signer, chain.credits.functions.acceptPlanOwnership(parse_plan_id(plan_id))))


def is_redeemer(chain: Chain, plan_id: int | str, address: ChecksumAddress) -> bool:
    """Read whether the plan's owner made an address a redeemer. One request."""
    return bool(chain.read(chain.credits.functions.isRedeemer(parse_plan_id(plan_id), parse_address(address))))


def is_minter(chain: Chain, plan_id: int | str, address: ChecksumAddress) -> bool:
    """Read whether the plan's owner made an address a minter. One request."""
    return bool(chain.read(chain.credits.functions.isMinter(parse_plan_id(plan_id), parse_address(address))))


def _check_receivers(price: PriceConfig) -> None:
    """Raise InvalidConfig for a receiver that is the contract of the token: its share would be lost."""
    for split in price.splits:
        if split.receiver == price.token:
            raise InvalidConfig(
                f"the receiver {split.receiver} is the contract of the token, so its share would be lost",
                "name an account that belongs to somebody",
            )
