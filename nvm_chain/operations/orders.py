"""Orders: check, pay by the method that fits, and say what was paid to whom."""

import secrets
from functools import partial

from nvm_chain.chain.client import Chain
from nvm_chain.errors import InvalidConfig, TrialAlreadyTaken
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.payment_causes import explained_payment
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
from nvm_chain.operations.payment_methods.purchase import Purchase, Wish
from nvm_chain.operations.payment_methods.questions import likely_questions, payment_questions
from nvm_chain.operations.plan_terms import find_known_terms, plan_questions
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
    """Buy a plan and wait until the order is mined. One transaction, two if it approves first.

    The plan, the cost and the signer's balance are checked first, and an order that would fail is not sent. A trial is
    ordered for oneself only; its seller gives it to others with `mint_credits`. If the order fails after an approval, the
    allowance is set back to what it was; where that fails too, or the order may still be mined, a note on the error says so.

    Args:
        chain: Where the plan is.
        signer: Who pays.
        plan_id: The plan, in any spelling.
        receiver: Who gets the credits. The signer if not given.
        quantity: How many purchases, at least 1.
        max_cost: The limit of the whole order, in base units. The quoted cost if not given.
        payment_method: How a token is paid, see `nvm_chain.operations.payment_methods.choice.PaymentMethod`. If not given,
            the method with the fewest transactions: an allowance that is large enough, else a permit, else an approval of
            exactly the cost. Orders that are free or priced in the native coin need none.
        salt: 32 bytes, for an authorization. A second order that is the same in everything, its salt too, is not paid.

    Returns:
        What was paid to whom, and the credits that were granted.

    Raises:
        UnknownPlan: The plan is not registered.
        PlanNotActive: The plan takes no orders now.
        WrongKind: The plan is paid by usage; see `pay_usage`.
        PaidExternally: The plan is paid off chain.
        TrialOrderedForOther: The receiver of a trial is not the signer.
        TrialAlreadyTaken: The receiver has had this trial.
        InvalidAmount: The quantity is out of range.
        InvalidQuantity: The quantity of a trial is not 1.
        InvalidConfig: The payment method does not fit the plan or the signer, or the signer is not one.
        QuoteFailed: The contract that names the price fails.
        CostAboveMax: The order costs more than ``max_cost``.
        InsufficientFunds: The signer has too little of the token.
        InsufficientCoin: The signer has too little of the native coin.
        InsufficientAllowance: The method is ``allowance``, and the allowance is too small.
        TokenCannotSign: The token does not take the signature that the method needs.
        AuthorizationFailed: The token refuses the authorization.
        OrderAlreadyMade: The same order was made before.
        PaymentFailed: The token refuses the payment.
        NotMined: The order is not mined in time.
        OutcomeUnknown: The node does not say what became of the order.
        NetworkError: The node cannot be used.
    """
    check_signer(signer)
    check_payment_method(payment_method, salt)
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    wish = Wish(plan_id, receiver, quantity, max_cost, payment_method, salt)
    with chain.paying():
        purchase = _check_purchase(chain, signer, wish)
        if purchase.needs_no_token:
            _refuse_signature(payment_method)
            with explained_payment(chain, purchase.token, signer.address):
                return order_with_coin(chain, signer, purchase)
        # An authorization moves all that it is signed for, and the rest returns.
        needed = purchase.max_cost if payment_method == "authorization" else purchase.cost
        check_funds(chain, purchase.token, signer.address, needed)
        return _pay_in_token(chain, signer, purchase, payment_method, wish.salt)


def _pay_in_token(
    chain: Chain, signer: Signer, purchase: Purchase, method: PaymentMethod | None, salt: bytes
) -> OrderReceipt:
    """Pay by the method that was asked for, or by the one with the fewest transactions."""
    choice = (
        choose_payment_method(chain, signer, purchase.token, purchase.max_cost) if method is None else Choice(method)
    )
    method = choice.method
    with explained_payment(chain, purchase.token, signer.address, signed=method in ("authorization", "permit")):
        if method == "authorization":
            return order_with_authorization(chain, signer, purchase, salt)
        if method == "permit":
            return order_with_permit(chain, signer, purchase, choice.permit)
        approve = method == "approve"
        return order_with_allowance(chain, signer, purchase, approve=approve, allowance=choice.allowance)


def _check_purchase(chain: Chain, signer: Signer, wish: Wish) -> Purchase:
    """Check what can be known before anything is signed or sent.

    One round trip where the plan is known or in USDC, else two: the second asks what its terms make necessary.
    """
    known, quantity = find_known_terms(chain, wish.plan_id), wish.quantity
    then = payment_questions(chain, signer, wish, known) if known else likely_questions(chain, signer, wish)
    quote = partial(quote_plan, chain, signer.address, wish.plan_id, quantity)
    chain.read_ahead(*plan_questions(chain, wish.plan_id), quote, *then)
    plan = read_plan_state(chain, wish.plan_id)
    to = signer.address if wish.receiver is None else parse_address(wish.receiver, "receiver address")
    check_orderable(plan, signer.address, to)
    cost, limit = check_cost(chain, signer.address, plan, quantity, wish.max_cost)
    if known is None:
        chain.read_ahead(*payment_questions(chain, signer, wish, plan.terms, likely_asked=True))
    if plan.terms.trial and read_account(chain, plan.plan_id, to).trial_taken:
        raise TrialAlreadyTaken(plan.plan_id, to)
    # A fixed price is paid exactly; a quoted one may change up to the limit.
    return Purchase(plan, to, quantity, cost, limit if plan.terms.is_quoted else cost)


def _refuse_signature(method: PaymentMethod | None) -> None:
    if method in ("permit", "authorization"):
        raise InvalidConfig(
            "an order that is free or paid in the native coin needs no signature",
            f"leave out `payment_method={method!r}`",
        )
