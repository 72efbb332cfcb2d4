"""Orders: check an order, choose its payment method, pay, and return the receipt."""

import secrets
from contextlib import AbstractContextManager
from functools import partial

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, PaymentFailed, TrialAlreadyTaken
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.payment_causes import blames_signature, explained_payment
from nvm_chain.operations.payment_methods.allowance import order_with_allowance
from nvm_chain.operations.payment_methods.authorization import order_with_authorization
from nvm_chain.operations.payment_methods.choice import (
    Choice,
    PaymentMethod,
    check_payment_method,
    choose_payment_method,
)
from nvm_chain.operations.payment_methods.native import order_with_coin
from nvm_chain.operations.payment_methods.permit import order_with_permit
from nvm_chain.operations.payment_methods.purchase import OrderArguments, Payer, Purchase
from nvm_chain.operations.payment_methods.readers import likely_readers, payment_readers
from nvm_chain.operations.payment_methods.receiver_check import check_receiver
from nvm_chain.operations.plan_terms import find_known_terms, plan_readers
from nvm_chain.operations.plans import check_cost, check_orderable, quote_plan, read_plan_state
from nvm_chain.operations.tokens import check_funds
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signed_orders import SALT_BYTES
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.receipts import OrderReceipt
from nvm_chain.types.renamed_parameters import renamed_parameters


@renamed_parameters(pay="payment_method", approve="give `payment_method='approve'`")
def order_plan(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
    payment_method: PaymentMethod | None = None,
    salt: bytes | None = None,
) -> OrderReceipt:
    """Buy a plan and wait until the order is mined. One transaction, or two if an approval is sent first.

    The plan, the cost and the signer's balance are checked first, and an order that would fail is not sent. The signer
    can order a trial only for their own address. The plan owner gives a trial to others with `mint_credits`. If the
    order fails after an approval, the allowance gets its former amount again. If that is not possible, or the order may
    still be mined, a note on the error says that the approval stands.

    Args:
        chain: The connection to the plan's chain.
        signer: The account that pays.
        plan_id: The plan's id, as an int, text or DID.
        receiver: The address that gets the credits. The signer's address if not given.
        quantity: The number of purchases, at least 1.
        max_cost: The highest accepted cost of the whole order, in base units. The quoted cost if not given.
        payment_method: The payment method for a token, see
            `nvm_chain.operations.payment_methods.choice.PaymentMethod`. If not given, the method with the fewest
            transactions is chosen: a sufficient allowance, else a permit, else an approval of exactly the cost. An
            approval also follows if a simulation shows that the token refuses the permit. Orders that are free or
            priced in the native coin do not need a payment method.
        salt: 32 bytes, only for an authorization. The token pays two equal orders with the same salt only once.

    Returns:
        The receipt, with the amount of each receiver and the granted credits.

    Raises:
        UnknownPlan: The plan is not registered.
        PlanNotActive: The plan takes no orders now.
        WrongKind: The plan is a usage plan. Use `pay_usage`.
        PaidExternally: The plan is paid outside the chain.
        TrialOrderedForOther: The receiver of a trial is not the signer.
        TrialAlreadyTaken: The receiver had this trial before.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        InvalidConfig: The payment method does not fit the plan or the signer, or ``signer`` cannot sign.
        QuoteFailed: The plan's quoter, the contract that names the price, fails.
        CostAboveMax: The order costs more than ``max_cost``.
        InsufficientFunds: The signer has too little of the token.
        InsufficientCoin: The signer has too little of the native coin.
        InsufficientAllowance: The method is ``allowance``, and the allowance is too small.
        TokenCannotSign: The token does not accept the signature that the payment method needs.
        AuthorizationFailed: The token refuses the authorization.
        AuthorizationExpired: The order was mined too late for the authorization.
        OrderAlreadyMade: The same order was made before.
        PaymentFailed: The token refuses the payment.
        NotMined: The order is not mined in time.
        OutcomeUnknown: The node does not tell the outcome of the order.
        NetworkError: The node does not give a usable answer.
    """
    check_signer(signer)
    check_payment_method(payment_method, salt)
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    arguments = OrderArguments(plan_id, receiver, quantity, max_cost, payment_method, salt)
    with chain.paying():
        purchase = check_purchase(chain, signer, arguments)
        if purchase.needs_no_token:
            _refuse_signature(payment_method)
            with _explained(chain, signer, purchase):
                return order_with_coin(chain, signer, purchase)
        # An authorization moves the whole maximum to Credits, and Credits returns the change.
        needed = purchase.max_cost if payment_method == "authorization" else purchase.cost
        check_funds(chain, purchase.token, signer.address, needed)
        return _pay_in_token(chain, signer, purchase, payment_method, arguments.salt)


def _pay_in_token(
    chain: Chain, signer: Signer, purchase: Purchase, method: PaymentMethod | None, salt: bytes
) -> OrderReceipt:
    """Pay by the given payment method. Without one, pay by the method with the fewest transactions."""
    if method is not None:
        return _pay_by(chain, signer, purchase, Choice(method), salt)
    choice = choose_payment_method(chain, signer, purchase.token, purchase.max_cost)
    try:
        return _pay_by(chain, signer, purchase, choice, salt)
    except PaymentFailed as error:
        # Nothing was sent if the simulation failed. Tokens and accounts with code can refuse a permit.
        if choice.method != "permit" or error.mined is not None or not blames_signature(error):
            raise
        # An approval would be in vain for a receiver that rejects the credits.
        check_receiver(chain, signer.address, purchase)
        return _pay_by(chain, signer, purchase, Choice("approve", choice.allowance), salt)


def _pay_by(chain: Chain, signer: Signer, purchase: Purchase, choice: Choice, salt: bytes) -> OrderReceipt:
    method = choice.method
    with _explained(chain, signer, purchase, signed=method in ("authorization", "permit")):
        if method == "authorization":
            return order_with_authorization(chain, signer, purchase, salt)
        if method == "permit":
            return order_with_permit(chain, signer, purchase, choice.permit)
        approve = method == "approve"
        return order_with_allowance(chain, signer, purchase, approve=approve, allowance=choice.allowance)


def _explained(
    chain: Chain, signer: Signer, purchase: Purchase, *, signed: bool = False
) -> AbstractContextManager[None]:
    payer, delivery = signer.address, purchase.describe_delivery(signer.address)
    return explained_payment(chain, purchase.token, payer, receiver=purchase.receiver, delivery=delivery, signed=signed)


def check_purchase(chain: Chain, payer: Payer, arguments: OrderArguments) -> Purchase:
    """Check an order before anything is signed or sent. Return the purchase with its cost.

    One round trip if the terms are known on this connection. Otherwise the terms may make a second round trip
    necessary, for example if the plan's token is not the chain's USDC.

    Raises:
        NvmChainError: The errors of `order_plan` that do not depend on the payment method.
    """
    known, quantity = find_known_terms(chain, arguments.plan_id), arguments.quantity
    then = payment_readers(chain, payer, arguments, known) if known else likely_readers(chain, payer, arguments)
    quote = partial(quote_plan, chain, payer.address, arguments.plan_id, quantity)
    chain.read_ahead(*plan_readers(chain, arguments.plan_id), quote, *then)
    plan = read_plan_state(chain, arguments.plan_id)
    to = payer.address if arguments.receiver is None else parse_address(arguments.receiver, "receiver address")
    check_orderable(plan, payer.address, to)
    cost, limit = check_cost(chain, payer.address, plan, quantity, arguments.max_cost)
    if known is None:
        chain.read_ahead(*payment_readers(chain, payer, arguments, plan.terms, likely_read=True))
    if plan.terms.trial and read_account(chain, plan.plan_id, to).trial_taken:
        raise TrialAlreadyTaken(plan.plan_id, to)
    # A fixed price does not change. A quoted price may rise up to the limit until the order is mined.
    return Purchase(plan, to, quantity, cost, limit if plan.terms.is_quoted else cost)


def _refuse_signature(method: PaymentMethod | None) -> None:
    if method in ("permit", "authorization"):
        raise InvalidConfig(
            "an order that is free or paid in the native coin needs no signature",
            f"leave out `payment_method={method!r}`",
        )
