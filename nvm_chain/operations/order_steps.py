"""Orders step by step, for an account whose key somebody else has: what its wallet signs or sends next. Nothing is sent here."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.errors import InsufficientCoin, InvalidMessage, TokenCannotSign, TransactionError
from nvm_chain.errors.fields import Money, PlanId, Quantity
from nvm_chain.operations.order_nonces import find_nonce
from nvm_chain.operations.orders import check_purchase
from nvm_chain.operations.payment_causes import explained_payment
from nvm_chain.operations.payment_methods.permit import build_permit, build_permit_call, explained_permit
from nvm_chain.operations.payment_methods.purchase import OrderArguments, Purchase
from nvm_chain.operations.payment_methods.receiver_check import check_receiver
from nvm_chain.operations.token_domains import is_authorization_used, read_permit_terms, read_token_domain
from nvm_chain.operations.token_rules import asks_code, find_token_rule
from nvm_chain.operations.tokens import build_approval, check_funds, read_allowance
from nvm_chain.signing.permits import PERMIT, Permit, PermitSignature
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.signing.signed_orders import (
    RECEIVE_WITH_AUTHORIZATION,
    SignedOrder,
    authorization_digest,
    build_order_authorization,
)
from nvm_chain.signing.typed_data import format_typed_data

Way: TypeAlias = Literal["order", "permit", "authorization", "approve"]
"""How an account orders: by one transaction, by a permit and a transaction, by a signature alone, or by an approval first."""
WAYS: Final[tuple[Way, ...]] = ("order", "permit", "authorization", "approve")
AUTHORIZED_SECONDS: Final = 1_200
"""How long a signed order is good that somebody else sends. Until then, an order that did not come back may still be made."""
LEAST_PERMIT_GAS: Final = 100_000
"""Less gas than any order with a permit uses. Whoever cannot pay for so much is told before the permit is signed."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account whose key somebody else has. ``has_code`` says whether it is a contract, or delegates to one (EIP-7702)."""

    address: ChecksumAddress
    has_code: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A transaction that the wallet sends. ``gas`` is None if the wallet has to find it, because it is a contract itself."""

    to: ChecksumAddress
    data: str
    value: Money
    gas: Quantity | None


@dataclass(frozen=True, slots=True)
class SendStep:
    """The wallet sends a transaction: the order, or an approval that the order needs."""

    purchase: Purchase
    way: Way
    call: Call
    is_approval: bool = False


@dataclass(frozen=True, slots=True)
class PermitStep:
    """The wallet signs a permit, with which it sends the order afterwards."""

    purchase: Purchase
    permit: Permit
    typed_data: str
    way: Way = "permit"


@dataclass(frozen=True, slots=True)
class AuthorizationStep:
    """The wallet signs the whole order, which somebody else sends. The signature of ``order`` is empty yet."""

    purchase: Purchase
    order: SignedOrder
    typed_data: str
    way: Way = "authorization"


Step: TypeAlias = SendStep | PermitStep | AuthorizationStep


def prepare_order(
    chain: Chain,
    account: Account,
    plan_id: PlanId,
    *,
    quantity: Quantity = 1,
    max_cost: int | None = None,
    way: Way | None = None,
    relays: bool = False,
) -> Step:
    """Check an order, and return what the wallet of its payer does next.

    After an approval is mined, the same question returns the order. An order that would fail is told before anything is signed.

    Args:
        chain: The connection to the plan's chain.
        account: The payer, who also gets the credits.
        plan_id: The plan.
        quantity: The number of purchases.
        max_cost: The highest accepted cost in base units. The present cost if not given.
        way: How to order. If not given, the way that asks least of the payer.
        relays: Whether somebody else sends signed orders, and pays the gas.

    Raises:
        NvmChainError: What `nvm_chain.operations.orders.order_plan` raises before it sends anything.
    """
    with chain.paying():
        purchase = check_purchase(chain, account, _ask(plan_id, quantity, max_cost))
        if purchase.needs_no_token:
            return SendStep(purchase, "order", _build_order(chain, account, purchase, value=purchase.cost))
        chosen = _choose_way(chain, account, purchase, way, relays=relays)
        check_funds(
            chain, purchase.token, account.address, purchase.max_cost if chosen == "authorization" else purchase.cost
        )
        if account.has_code:  # its code may reject the credits, and is asked before anything is signed or approved
            check_receiver(chain, account.address, purchase)
        if chosen == "authorization":
            return _prepare_authorization(chain, account, purchase)
        if chosen == "permit":
            return _prepare_permit(chain, account, purchase)
        allowance = read_allowance(chain, purchase.token, account.address)
        if allowance >= purchase.max_cost:
            return SendStep(purchase, chosen, _build_order(chain, account, purchase))
        return SendStep(purchase, "approve", _build_approval(chain, account, purchase, allowance), is_approval=True)


def _ask(plan_id: PlanId, quantity: Quantity, max_cost: int | None) -> OrderArguments:
    return OrderArguments(plan_id, None, quantity, max_cost, "allowance", b"")


# ---------------------------------------------------------------------- which way


def _choose_way(chain: Chain, account: Account, purchase: Purchase, way: Way | None, *, relays: bool) -> Way:
    """Return the way to order. A signature alone asks least, then a sufficient allowance, a permit, and an approval."""
    if way == "authorization" or (way is None and relays):
        if relays and _takes_authorization(chain, account, purchase.token):
            return "authorization"
        if way is not None:
            raise TokenCannotSign(purchase.token)
    if way == "approve" or read_allowance(chain, purchase.token, account.address) >= purchase.max_cost:
        return way or "order"
    if not account.has_code:  # code at an address decides about signatures, and few codes take a token's permit
        with suppress(TokenCannotSign):
            read_permit_terms(chain, purchase.token, account.address)
            return "permit"
    return "approve"


def _takes_authorization(chain: Chain, account: Account, token: ChecksumAddress) -> bool:
    """Return whether a token takes the signed order of an account. No request for a known token and an account with a key."""
    try:
        read_token_domain(chain, token)
        is_authorization_used(chain, token, account.address, bytes(32))
    except TokenCannotSign:
        return False
    if find_token_rule(chain, token, by_wallet=account.has_code) is not None:
        return False
    return not account.has_code or asks_code(chain, token, "authorization") is True


# ---------------------------------------------------------------------- what is signed


def _prepare_permit(chain: Chain, account: Account, purchase: Purchase) -> PermitStep:
    _check_coin(chain, account)
    terms = read_permit_terms(chain, purchase.token, account.address)
    permit = build_permit(chain, account.address, purchase, terms)
    return PermitStep(purchase, permit, format_typed_data(terms.domain, PERMIT, permit.as_tuple()))


def _check_coin(chain: Chain, account: Account) -> None:
    """Raise InsufficientCoin if an account cannot pay for the least gas of an order with a permit."""
    balance, needed = chain.read_coin_balance(account.address), LEAST_PERMIT_GAS * chain.read_fees()[0]
    if balance < needed:
        error = InsufficientCoin(account.address, balance, needed)
        raise error.explain("the gas of this order costs more than that", f"send coin to {account.address}")


def _prepare_authorization(chain: Chain, account: Account, purchase: Purchase) -> AuthorizationStep:
    domain = read_token_domain(chain, purchase.token)
    order = build_order_authorization(
        purchase.plan.plan_id,
        payer=account.address,
        quantity=purchase.quantity,
        max_cost=purchase.max_cost,
        valid_before=chain.read_time() + AUTHORIZED_SECONDS,
    )
    contract = chain.credits.address
    values = (
        account.address,
        contract,
        order.max_cost,
        order.valid_after,
        order.valid_before,
        find_nonce(chain, order),
    )
    typed_data = format_typed_data(domain, RECEIVE_WITH_AUTHORIZATION, values)
    return AuthorizationStep(purchase, SignedOrder(order, domain, contract, b""), typed_data)


def complete_permit(
    chain: Chain, account: Account, plan_id: PlanId, quantity: Quantity, permit: Permit, signature: bytes
) -> SendStep:
    """Return the order with a signed permit. It is simulated with the permit.

    Raises:
        InvalidMessage: The signature cannot be that of a permit.
        PaymentFailed: The token does not accept the permit.
        NvmChainError: What `prepare_order` raises.
    """
    parts = split_signature(signature)
    with chain.paying():
        purchase = check_purchase(chain, account, _ask(plan_id, quantity, permit.value))
        check_funds(chain, purchase.token, account.address, purchase.cost)
        function = build_permit_call(chain, purchase, permit.deadline, parts)
        with explained_permit(chain, purchase, permit, parts):
            return SendStep(purchase, "permit", _build_call(chain, account, purchase, function))


def complete_order(signed: SignedOrder, signature: bytes) -> SignedOrder:
    """Return a signed order with the signature of a wallet, in the form that tokens take. No network."""
    whole = SignedOrder(signed.order, signed.token, signed.contract, signature)
    digest = authorization_digest(signed.order, token=signed.token, contract=signed.contract)
    with suppress(InvalidMessage):
        usual = _join(split_signature(signature))
        if recover_signer(digest, usual) == signed.order.payer:
            return SignedOrder(signed.order, signed.token, signed.contract, usual)
    return whole  # the signature of a contract wallet has a form of its own


def split_signature(signature: bytes) -> PermitSignature:
    r"""Return the parts of a key's signature. Some wallets write 0 and 1 for 27 and 28, or 64 bytes (EIP-2098).

    Raises InvalidMessage for other lengths.

    >>> split_signature(bytes(64) + b"\x01").v
    28
    """
    if len(signature) == 64:
        second = int.from_bytes(signature[32:])
        rest = second & ((1 << 255) - 1)
        return PermitSignature(27 + (second >> 255), signature[:32], rest.to_bytes(32))
    if len(signature) != 65:
        raise InvalidMessage("signature", f"it has {len(signature)} bytes, and that of a key has 65")
    last = signature[64]
    return PermitSignature(last + 27 if last < 27 else last, signature[:32], signature[32:64])


def _join(parts: PermitSignature) -> bytes:
    return parts.r + parts.s + bytes((parts.v,))


# ---------------------------------------------------------------------- what is sent


def _build_order(chain: Chain, account: Account, purchase: Purchase, value: int = 0) -> Call:
    return _build_call(chain, account, purchase, purchase.build_call(chain), value)


def _build_call(chain: Chain, account: Account, purchase: Purchase, function: ContractFunction, value: int = 0) -> Call:
    """Return the call of an order. Raises the error of one that would fail."""
    payer, delivery = account.address, purchase.describe_delivery(account.address)
    with explained_payment(chain, purchase.token, payer, receiver=purchase.receiver, delivery=delivery):
        return simulate_call(chain, account, function, value)


def _build_approval(chain: Chain, account: Account, purchase: Purchase, allowance: int) -> Call:
    """Return the approval of an order. Some tokens want an allowance to be zero before it changes."""
    try:
        return simulate_call(chain, account, build_approval(chain, purchase.token, purchase.max_cost))
    except TransactionError:
        if allowance == 0:
            raise
        return simulate_call(chain, account, build_approval(chain, purchase.token, 0))


def simulate_call(chain: Chain, account: Account, function: ContractFunction, value: int = 0) -> Call:
    """Return a call that would succeed now, and that the account can pay for. Raises the error of one that would fail."""
    data = encode_call(function)
    if account.has_code:  # somebody else may pay its gas, so its coin says nothing
        chain.estimate_gas(account.address, data, function.address, value)
        return Call(function.address, data, value, None)
    built = chain.build_transaction(account.address, data, function.address, value)
    return Call(function.address, data, value, int(built["gas"]))


def read_order_account(chain: Chain, address: ChecksumAddress) -> Account:
    """Return an account with what its code says. One request. Raises a NetworkError if the node does not tell."""
    return Account(address, chain.has_code(address))
