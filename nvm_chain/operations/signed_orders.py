"""Signed orders on a chain: sign an order with values from the chain, check it, and send it."""

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationFailed,
    AuthorizationNotYetValid,
    AuthorizationSignatureInvalid,
    CostAboveMax,
    ERC1155InvalidReceiver,
    InsufficientFunds,
    InvalidConfig,
    NvmChainError,
    OrderAlreadyMade,
    PaymentFailed,
    TokenWithoutCode,
    TrialAlreadyTaken,
)
from nvm_chain.operations.order_nonces import find_nonce, find_order_nonce
from nvm_chain.operations.order_simulations import (
    check_simulation,
    encode_signed_order,
    find_simulation_sender,
    simulation_readers,
)
from nvm_chain.operations.payment_causes import explained_payment, is_unexplained
from nvm_chain.operations.plan_terms import plan_readers
from nvm_chain.operations.plans import check_cost, check_orderable, quote_plan, read_plan_state
from nvm_chain.operations.receipts import build_order_receipt
from nvm_chain.operations.receivers import Delivery, find_code
from nvm_chain.operations.token_domains import (
    domain_readers,
    is_authorization_used,
    read_token_domain,
)
from nvm_chain.operations.token_rules import check_wallet_signer, find_order_rule, is_by_key, keeping_rules
from nvm_chain.operations.tokens import check_funds, read_token_balance
from nvm_chain.operations.wallet_kinds import explain_by_code
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.eip712 import SIGNATURE_SECONDS, MessageSigner
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signatures import AskChain, find_size_fault
from nvm_chain.signing.signed_orders import (
    SALT_BYTES,
    OrderAuthorization,
    SignedOrder,
    build_order_authorization,
    sign_order,
    verify_order,
)
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.types.amounts import check_uint
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt

JUDGED: Final = (
    *(AuthorizationNotYetValid, AuthorizationExpired, AuthorizationSignatureInvalid, AuthorizationFailed),
    *(InsufficientFunds, CostAboveMax, TrialAlreadyTaken, PaymentFailed, ERC1155InvalidReceiver),
)
"""The errors of an order of the plan's own token, after which the token's rules are looked at."""


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
    """Sign an order that anyone may send. Sends nothing. About ten requests.

    The signer pays the price, and does not need coin for gas.

    Args:
        chain: The connection to the plan's chain.
        signer: The account that pays.
        plan_id: The plan's id, as an int, text or DID.
        receiver: The address that gets the credits. The signer's address if not given.
        quantity: The number of purchases, at least 1.
        max_cost: The authorized amount, in base units. The unused part returns in the same transaction. The quoted cost
            if not given.
        valid_seconds: The time in which the order is valid, in seconds of the chain's clock.

    Raises:
        UnknownPlan: The plan is not registered.
        PlanNotActive: The plan takes no orders now.
        WrongKind: The plan is a usage plan.
        PaidExternally: The plan is paid outside the chain.
        TrialOrderedForOther: The receiver of a trial is not the signer.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        QuoteFailed: The plan's quoter, the contract that names the price, fails.
        CostAboveMax: The order costs more than ``max_cost``.
        InsufficientFunds: The signer has too little of the token.
        TokenCannotSign: The token does not accept authorizations (EIP-3009), or not those of a contract wallet.
        TokenWithoutCode: The plan's price is in the native coin.
        InvalidConfig: The order is free, and does not need a signature.
    """
    check_signer(signer)
    check_uint(valid_seconds, 64, "valid_seconds", minimum=1)
    salt = secrets.token_bytes(SALT_BYTES)
    quote = partial(quote_plan, chain, signer.address, plan_id, quantity)
    with chain.paying(*plan_readers(chain, plan_id), quote):
        plan = read_plan_state(chain, plan_id)
        to = signer.address if receiver is None else parse_address(receiver, "receiver address")
        check_orderable(plan, signer.address, to)
        _, most = check_cost(chain, signer.address, plan, quantity, max_cost)
        _check_signable(plan, most)
        check_wallet_signer(chain, signer, plan.terms.token)
        nonce = find_order_nonce(
            chain, plan.plan_id, signer.address, receiver=to, quantity=quantity, max_cost=most, salt=salt
        )
        balance = partial(read_token_balance, chain, plan.terms.token, signer.address)
        chain.read_ahead(balance, *signing_readers(chain, plan.terms.token, signer.address, lambda: nonce))
        check_funds(chain, plan.terms.token, signer.address, most)
        return sign_for_plan(
            chain, signer, plan, receiver=to, quantity=quantity, max_cost=most, valid_seconds=valid_seconds, salt=salt
        )


def sign_for_plan(
    chain: Chain,
    signer: MessageSigner,
    plan: PlanState,
    *,
    receiver: ChecksumAddress,
    quantity: int,
    max_cost: int,
    valid_seconds: int = SIGNATURE_SECONDS,
    salt: bytes | None = None,
) -> SignedOrder:
    """Sign an order of a plan that the caller checked before. Up to five requests, fewer if the node takes batches.

    ``salt`` has 32 bytes, and is random if not given. The token pays two equal orders with the same salt only once.
    Raises TokenCannotSign or OrderAlreadyMade.
    """
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    nonce = find_order_nonce(
        chain, plan.plan_id, signer.address, receiver=receiver, quantity=quantity, max_cost=max_cost, salt=salt
    )
    with chain.reading_ahead(*signing_readers(chain, plan.terms.token, signer.address, lambda: nonce)):
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
        # This request also shows whether the token accepts authorizations. Some tokens only accept permits.
        if is_authorization_used(chain, plan.terms.token, order.payer, nonce):
            raise OrderAlreadyMade(order.payer, nonce)
    return sign_order(signer, order, token=domain, contract=chain.credits.address)


def signing_readers(
    chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, find_nonce: Callable[[], bytes]
) -> tuple[Reader, ...]:
    """Return the readers that signing an order needs. `Chain.read_ahead` sends their requests as one batch. No request.

    ``find_nonce`` returns the nonce of the order's authorization.
    """
    is_used: Reader = lambda: is_authorization_used(chain, token, payer, find_nonce())  # noqa: E731
    return *domain_readers(chain, token), chain.read_time, is_used


def check_signed_order(chain: Chain, signed: SignedOrder, *, relayer: str | None = None) -> PlanState:
    """Check a signed order against the present state of the chain, before it is sent. About eleven requests.

    The domain is read from the plan's own token. The order's times are compared with the chain's time. The last request
    runs the order's transaction as a call, so that the token and a contract wallet answer as they would to the
    transaction.

    On a node that takes batches, a good order takes one round trip for most tokens. A refused one takes 2 to 12, because
    the token and the payer's code are asked for the cause. The first refused order in a token may take 20, because the
    token's rules about signatures are found out once. They stay known, also if another order is refused.

    Args:
        chain: The connection to the plan's chain.
        signed: The order.
        relayer: The address that would send the order. If not given, it is the chain's first development account, or an
            address without coin that gets coin for the time of the call. Some nodes give no coin to a call. Then RpcFailed
            is raised: name a relayer that has coin.

    Returns:
        The state of the order's plan.

    Raises:
        UnknownPlan: The plan is not registered.
        PlanNotActive: The plan takes no orders now.
        WrongKind: The plan is a usage plan.
        PaidExternally: The plan is paid outside the chain.
        TrialOrderedForOther: The receiver of a trial is not the payer.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        QuoteFailed: The plan's quoter, the contract that names the price, fails.
        CostAboveMax: The order costs more than the payer authorized.
        InsufficientFunds: The payer has too little of the token.
        TokenCannotSign: The token does not accept authorizations (EIP-3009), or not those of this payer.
        TokenWithoutCode: The plan's price is in the native coin.
        InvalidConfig: The order is free.
        AuthorizationMismatch: The order is for another token or contract.
        AuthorizationNotYetValid: The order is not valid yet.
        AuthorizationExpired: The order has expired.
        AuthorizationSignatureInvalid: The payer did not sign the order, or the token does not accept the signature, or
            it is larger than `nvm_chain.signing.signatures.MAX_SIGNATURE` bytes.
        OrderAlreadyMade: The order was made or canceled before.
        AuthorizationFailed: The token refuses the authorization for another reason.
        TrialAlreadyTaken: The receiver had this trial before.
        PaymentFailed: The token refuses a payment to a receiver.
        ERC1155InvalidReceiver: The receiver is a contract that rejects credits.
        InsufficientCoin: The node wants the relayer to pay for the gas of the call, and the relayer has too little coin.
    """
    inner = unwrap_signature(signed)
    if (fault := find_size_fault(inner.signature)) is not None:
        raise AuthorizationSignatureInvalid(signed.order.payer, None).explain(*fault)
    sender = find_simulation_sender(chain) if relayer is None else parse_address(relayer, "relayer address")
    try:
        readers = (*_check_readers(chain, inner), *simulation_readers(chain, inner, sender))
        with keeping_rules(chain, inner.token.address, *readers):
            return _check_signed_order(chain, inner, sender)
    except JUDGED as error:
        raise _find_true_error(chain, signed, error) from None


def _find_true_error(chain: Chain, signed: SignedOrder, error: NvmChainError) -> NvmChainError:
    """Return what to raise for a refused order. What the token never takes comes before what is wrong with this order."""
    payer = signed.order.payer
    code = None if is_by_key(unwrap_signature(signed)) else find_code(chain, payer)
    never = find_order_rule(chain, signed, code)
    if never is not None:
        return never
    if not isinstance(error, AuthorizationSignatureInvalid):
        return error
    return error.explain(*explain_by_code(chain, payer, code, signed.signature, error.recovered, by_token=True))


def _check_signed_order(chain: Chain, signed: SignedOrder, sender: ChecksumAddress) -> PlanState:
    order, contract = signed.order, chain.credits.address
    plan = read_plan_state(chain, order.plan_id)
    check_orderable(plan, order.payer, order.receiver)
    _check_signable(plan, order.max_cost)
    domain, now = read_token_domain(chain, plan.terms.token), chain.read_time()
    # If there is code at the payer's address, the token decides about the signature, and the simulation asks it.
    has_code: AskChain = lambda payer, *_: chain.has_code(payer)  # noqa: E731
    verify_order(signed, token=domain, contract=contract, now=now, ask_chain=has_code)
    if is_authorization_used(chain, plan.terms.token, order.payer, find_nonce(chain, order)):
        raise OrderAlreadyMade(order.payer, find_nonce(chain, order))
    check_cost(chain, order.payer, plan, order.quantity, order.max_cost)
    check_funds(chain, plan.terms.token, order.payer, order.max_cost)
    with explained_order(chain, plan, order, sender):
        check_simulation(chain, signed, sender)
    return plan


def _check_readers(chain: Chain, signed: SignedOrder) -> tuple[Reader, ...]:
    """Return the readers of `check_signed_order`. `Chain.read_ahead` sends their requests as one batch.

    They ask the token that the order names. The check then compares this token with the plan's token.
    """
    order, token = signed.order, signed.token.address
    return (
        *plan_readers(chain, order.plan_id),
        *(() if is_by_key(signed) else (partial(chain.has_code, order.payer),)),
        *signing_readers(chain, token, order.payer, lambda: find_nonce(chain, order)),
        partial(quote_plan, chain, order.payer, order.plan_id, order.quantity),
        partial(read_token_balance, chain, token, order.payer),
    )


def _check_signable(plan: PlanState, max_cost: int) -> None:
    """Refuse an order in the native coin, and a free order. Neither can be a signed order."""
    if max_cost == 0:
        raise InvalidConfig("a free order needs no signature", "order it with `order_plan`")
    if plan.terms.token == ZERO_ADDRESS:
        cause = "the zero address stands for the native coin, or for a free plan"
        raise TokenWithoutCode(ZERO_ADDRESS).explain(cause, "order it with `order_plan`, which needs no signature")


def relay_order(chain: Chain, signer: Signer, signed: SignedOrder) -> OrderReceipt:
    """Check a signed order, send it, and wait until it is mined. One transaction.

    The relayer pays the gas, and the order's payer pays the price. The payer does not have to trust the relayer. A
    relayer cannot change an order, and cannot make it twice.

    Args:
        chain: The connection to the plan's chain.
        signer: The relayer.
        signed: The order.

    Raises:
        AuthorizationFailed: The token refuses the authorization.
        TrialAlreadyTaken: The receiver had this trial before.
        PaymentFailed: The token refuses the payment.
        ERC1155InvalidReceiver: The receiver is a contract that rejects credits.
        InsufficientCoin: The relayer has too little coin for gas.
        NotMined: The order is not mined in time.
        OutcomeUnknown: The node does not tell the outcome of the order.
        NetworkError: The node does not give a usable answer.
        NvmChainError: The same errors as `check_signed_order`.
    """
    check_signer(signer)
    plan = check_signed_order(chain, signed, relayer=signer.address)
    with chain.paying():
        return send_signed_order(chain, signer, plan, signed)


def send_signed_order(
    chain: Chain, signer: Signer, plan: PlanState, signed: SignedOrder, *, most_gas: int = MOST_GAS
) -> OrderReceipt:
    """Send a checked order of this plan, and wait until it is mined. Raises the errors of `relay_order`.

    ``most_gas`` is the highest gas limit. The code of a payer, or of a quoter, may want more than when the order was checked.
    """
    order = signed.order
    try:
        with explained_order(chain, plan, order, signer.address):
            receipt = chain.send(signer, encode_signed_order(chain, signed), most_gas=most_gas)
    except AuthorizationFailed as error:
        raise find_true_cause(chain, signed, error) from None
    return build_order_receipt(chain, plan, order.payer, receipt, collected=order.max_cost)


def explained_order(
    chain: Chain, plan: PlanState, order: OrderAuthorization, relayer: ChecksumAddress
) -> AbstractContextManager[None]:
    """Complete the error of a signed order in the ``with`` block. No request unless the order fails."""
    delivery = Delivery(relayer, ZERO_ADDRESS, plan.plan_id, plan.terms.credits * order.quantity)
    token, receiver = plan.terms.token, order.receiver
    return explained_payment(chain, token, order.payer, receiver=receiver, delivery=delivery, signed=True)


def find_true_cause(chain: Chain, signed: SignedOrder, error: AuthorizationFailed) -> NvmChainError:
    """Return the true error of an order that the token refused. At most two requests.

    A token refuses an order that was made or canceled before, or that came too late, as it refuses a wrong signature.
    """
    found: NvmChainError = error
    with suppress(NvmChainError):
        found = _find_made(chain, signed) or (_find_lapse(chain, signed) if is_unexplained(error) else None) or error
    found.mined = error.mined
    return found


def _find_made(chain: Chain, signed: SignedOrder) -> OrderAlreadyMade | None:
    nonce = find_nonce(chain, signed.order)
    is_used = is_authorization_used(chain, signed.token.address, signed.order.payer, nonce)
    return OrderAlreadyMade(signed.order.payer, nonce) if is_used else None


def _find_lapse(chain: Chain, signed: SignedOrder) -> AuthorizationExpired | AuthorizationNotYetValid | None:
    """Return the error of an order that is not valid at the time of the latest block, or None if it is valid."""
    order, now = signed.order, chain.read_time()
    if now >= order.valid_before:
        return AuthorizationExpired(order.valid_before, now)
    return AuthorizationNotYetValid(order.valid_after, now) if now <= order.valid_after else None
