"""Signed orders against a chain: a payer signs with what the chain says, and a relayer brings the order."""

from eth_typing import ChecksumAddress

from nvm_chain.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.authorizations import (
    SignedOrder,
    authorization_nonce,
    build_order_authorization,
    sign_order,
    verify_order,
)
from nvm_chain.chain import Chain
from nvm_chain.contract_errors import TokenWithoutCode
from nvm_chain.eip712 import MessageSigner
from nvm_chain.errors import ConnectionFailed, InvalidConfig, OrderAlreadyMade, RpcFailed
from nvm_chain.keys import Signer
from nvm_chain.paying import SIGNATURE_SECONDS, check_funds
from nvm_chain.plans import check_cost, check_orderable, read_plan
from nvm_chain.receipts import build_order_receipt
from nvm_chain.token_domains import find_authorization_use, is_authorization_used, read_token_domain
from nvm_chain.types import OrderReceipt, Plan
from nvm_chain.units import check_uint
from nvm_chain.wallets import ask_wallets


def sign_plan_order(
    chain: Chain,
    signer: MessageSigner,
    plan_id: int | str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
    valid_seconds: int = SIGNATURE_SECONDS,
) -> SignedOrder:
    """Sign an order that anyone may bring to the chain: the signer pays and needs no coin for gas. Sends nothing.

    ``receiver`` gets the credits, the signer if not given. ``max_cost``, the quoted cost if not given, is what is authorised, in
    base units; what the order does not cost goes back at once. It counts for ``valid_seconds`` by the chain's clock.
    About ten requests. Raises UnknownPlan, PlanNotActive, WrongKind, PaidExternally, TrialOrderedForOther, InvalidQuantity,
    QuoteFailed, CostAboveMax, InsufficientFunds, TokenCannotSign, and TokenWithoutCode for a plan priced in the native coin.
    """
    check_uint(valid_seconds, 64, "valid_seconds", minimum=1)
    plan = read_plan(chain, plan_id)
    to = signer.address if receiver is None else parse_address(receiver, "receiver address")
    check_orderable(plan, signer.address, to)
    _, most = check_cost(chain, signer.address, plan, quantity, max_cost)
    _check_signable(plan, most)
    check_funds(chain, plan.terms.token, signer.address, most)
    return sign_for_plan(
        chain, signer, plan, receiver=to, quantity=quantity, max_cost=most, valid_seconds=valid_seconds
    )


def sign_for_plan(
    chain: Chain,
    signer: MessageSigner,
    plan: Plan,
    *,
    receiver: ChecksumAddress,
    quantity: int,
    max_cost: int,
    valid_seconds: int = SIGNATURE_SECONDS,
    salt: bytes | None = None,
) -> SignedOrder:
    """Sign an order of a plan that was looked at already, with what its token and the chain's clock say. Five requests.

    With the same ``salt``, 32 bytes, random if not given, an order is made once. Raises TokenCannotSign, OrderAlreadyMade.
    """
    domain = read_token_domain(chain, plan.terms.token)
    order = build_order_authorization(
        plan.plan_id,
        payer=signer.address,
        receiver=receiver,
        quantity=quantity,
        max_cost=max_cost,
        valid_before=chain.read_time() + valid_seconds + 1,
        salt=salt,
    )
    nonce = authorization_nonce(order, chain_id=chain.chain_id, contract=chain.credits.address)
    # Asked in any case, because some tokens take permits and no authorizations, and say so here only.
    if is_authorization_used(chain, plan.terms.token, order.payer, nonce):
        raise OrderAlreadyMade(order.payer, nonce)
    return sign_order(signer, order, token=domain, contract=chain.credits.address)


def find_made_order(chain: Chain, payer: str, plan: Plan, salt: bytes) -> str | None:
    """Find the order that a payer signed for themselves with this salt at the plan's fixed price: its transaction, or None.

    Empty where it was made and the node does not search for it. Two to four requests. Raises TokenCannotSign, and
    OrderAlreadyMade if its authorization was canceled at the token.
    """
    order = build_order_authorization(plan.plan_id, payer=payer, max_cost=plan.terms.price, valid_before=2, salt=salt)
    nonce = authorization_nonce(order, chain_id=chain.chain_id, contract=chain.credits.address)
    if not is_authorization_used(chain, plan.terms.token, payer, nonce):
        return None
    try:
        made = find_authorization_use(chain, plan.terms.token, payer, nonce)
    except (RpcFailed, ConnectionFailed):  # some nodes refuse a wide search by an HTTP status
        return ""
    if made is None:
        raise OrderAlreadyMade(payer, nonce)
    return made


def check_signed_order(chain: Chain, signed: SignedOrder) -> Plan:
    """Check everything that can be known before a signed order is sent, and return its plan. About ten requests.

    The domain is read from the plan's own token, the clock is the chain's, and a contract wallet is asked (ERC-1271). Raises
    UnknownPlan, PlanNotActive, WrongKind, PaidExternally, TrialOrderedForOther, InvalidQuantity, QuoteFailed, CostAboveMax,
    InsufficientFunds, TokenCannotSign, AuthorizationMismatch, AuthorizationNotYetValid, AuthorizationExpired, AuthorizationSignatureInvalid,
    OrderAlreadyMade.
    """
    order = signed.order
    plan = read_plan(chain, order.plan_id)
    check_orderable(plan, order.payer, order.receiver)
    _check_signable(plan, order.max_cost)
    domain = read_token_domain(chain, plan.terms.token)
    contract = chain.credits.address
    verify_order(signed, token=domain, contract=contract, now=chain.read_time(), ask_chain=ask_wallets(chain))
    nonce = authorization_nonce(order, chain_id=chain.chain_id, contract=contract)
    if is_authorization_used(chain, plan.terms.token, order.payer, nonce):
        raise OrderAlreadyMade(order.payer, nonce)
    check_cost(chain, order.payer, plan, order.quantity, order.max_cost)
    check_funds(chain, plan.terms.token, order.payer, order.max_cost)
    return plan


def _check_signable(plan: Plan, max_cost: int) -> None:
    """Refuse what no token can bring the money of."""
    if plan.terms.token == ZERO_ADDRESS:
        raise TokenWithoutCode(ZERO_ADDRESS)
    if max_cost == 0:
        raise InvalidConfig("an order for nothing has nothing to sign; anyone may order for the receiver")


def relay_order(chain: Chain, signer: Signer, signed: SignedOrder) -> OrderReceipt:
    """Send a signed order to the chain: the signer pays the gas, the order's payer the price. Waits until mined.

    Nobody has to trust whoever relays: an order can be brought as it was signed, once, and not otherwise. One transaction.
    Raises as `check_signed_order`, before anything is sent, and AuthorizationFailed, TrialAlreadyTaken, PaymentFailed,
    ERC1155InvalidReceiver, InsufficientCoin, NotMined, OutcomeUnknown, or a NetworkError.
    """
    return send_signed_order(chain, signer, check_signed_order(chain, signed), signed)


def send_signed_order(chain: Chain, signer: Signer, plan: Plan, signed: SignedOrder) -> OrderReceipt:
    """Send a signed order that was checked already, of this plan, and wait until it is mined. Raises as `relay_order` does."""
    order = signed.order
    values = (
        order.plan_id,
        order.payer,
        order.receiver,
        order.quantity,
        order.max_cost,
        order.valid_after,
        order.valid_before,
        order.salt,
    )
    receipt = chain.send(signer, chain.credits.functions.orderWithAuthorization(values, signed.signature))
    return build_order_receipt(chain, plan, order.payer, receipt, collected=order.max_cost)
