"""Usage plans: pay for a request, and record the request's id in the payment's event."""

from functools import partial
from typing import Literal
from uuid import UUID

from web3.contract.contract import ContractFunction

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.client import Chain
from nvm_chain.enums import PlanKind
from nvm_chain.errors import InvalidConfig, PlanNotActive, WrongKind
from nvm_chain.operations.payment_causes import explained_payment
from nvm_chain.operations.payment_methods.allowance import send_with_allowance
from nvm_chain.operations.payment_methods.native import send_with_coin
from nvm_chain.operations.plan_terms import expect_cost, find_known_terms, plan_readers
from nvm_chain.operations.plans import check_cost, quote_plan, read_plan_state
from nvm_chain.operations.receipts import build_usage_receipt
from nvm_chain.operations.tokens import approval_readers, check_funds, read_allowance, read_token_balance
from nvm_chain.signing.keys import Signer
from nvm_chain.signing.signers import check_signer
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.contexts import encode_context
from nvm_chain.types.plans import PlanState, Terms
from nvm_chain.types.receipts import UsageReceipt
from nvm_chain.types.renamed_parameters import renamed_parameters


@renamed_parameters(pay="payment_method")
def pay_usage(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    quantity: int = 1,
    max_cost: int | None = None,
    context: str | bytes | UUID = b"",
    payment_method: Literal["allowance", "approve"] = "approve",
) -> UsageReceipt:
    """Pay for a request of a usage plan. Nothing is granted. One transaction, or two if an approval is sent first.

    Args:
        chain: The connection to the plan's chain.
        signer: The account that pays.
        plan_id: The plan's id, as an int, text or DID.
        quantity: The number of units to pay for.
        max_cost: The highest accepted cost of the whole payment, in base units. The quoted cost if not given.
        context: At most 32 bytes, such as the id of the request. The server finds the context in the payment's event.
        payment_method: ``approve`` sends an approval of exactly the cost if the allowance is too small. ``allowance``
            only uses an allowance that was approved before, for example for many requests.

    Raises:
        UnknownPlan: The plan is not registered.
        PlanNotActive: The plan takes no payments now.
        WrongKind: The plan is not a usage plan. Use `order_plan`.
        InvalidAmount: The quantity is out of range.
        QuoteFailed: The plan's quoter, the contract that names the price, fails.
        CostAboveMax: The payment costs more than ``max_cost``.
        InsufficientFunds: The signer has too little of the token.
        InsufficientAllowance: The method is ``allowance``, and the allowance is too small.
        InsufficientCoin: The signer has too little of the native coin.
        PaymentFailed: The token refuses the payment.
        InvalidContext: The context has more than 32 bytes.
        NotMined: The payment is not mined in time.
        OutcomeUnknown: The node does not tell the outcome of the payment.
        NetworkError: The node does not give a usable answer.
    """
    check_signer(signer)
    if payment_method not in ("allowance", "approve"):
        raise InvalidConfig(
            f"usage cannot be paid with {payment_method!r}",
            "give `payment_method='approve'` or `payment_method='allowance'`",
        )
    encoded = encode_context(context)
    approve = payment_method == "approve"
    with chain.paying():
        plan, cost, most = _check_usage(chain, signer, plan_id, quantity, max_cost, approve=approve)
        function = chain.credits.functions.payUsage(plan.plan_id, quantity, most, encoded)
        with explained_payment(chain, plan.terms.token, signer.address):
            return _pay(chain, signer, plan, function, cost, most, approve=approve)


def _check_usage(
    chain: Chain, signer: Signer, plan_id: int | str, quantity: int, max_cost: int | None, *, approve: bool
) -> tuple[PlanState, int, int]:
    """Check a payment before it is sent. Return the plan, the cost and the highest cost.

    One round trip if the plan's terms are known on this connection, else two.
    """
    known = find_known_terms(chain, plan_id)
    quote = partial(quote_plan, chain, signer.address, plan_id, quantity)
    guess = expect_cost(known, quantity, max_cost) if known and approve else None
    chain.read_ahead(*plan_readers(chain, plan_id), quote, *_token_readers(chain, signer, known, guess))
    plan = read_plan_state(chain, plan_id)
    if plan.terms.kind is not PlanKind.USAGE:
        raise WrongKind(plan.plan_id, plan.terms.kind)
    if not plan.active:
        raise PlanNotActive(plan.plan_id)
    cost, limit = check_cost(chain, signer.address, plan, quantity, max_cost)
    most = limit if plan.terms.is_quoted else cost
    if known is None:
        chain.read_ahead(*_token_readers(chain, signer, plan.terms, most if approve else None))
    return plan, cost, most


def _token_readers(chain: Chain, signer: Signer, terms: Terms | None, approved: int | None) -> tuple[Reader, ...]:
    """Return the readers that a payment needs from the plan's token, for `Chain.read_ahead`. No request.

    ``approved`` is the amount of a possible approval, or None.
    """
    if terms is None or terms.token == ZERO_ADDRESS:
        return ()
    asked = (chain, terms.token, signer.address)
    approval = () if approved is None else approval_readers(*asked, approved)
    return partial(read_token_balance, *asked), partial(read_allowance, *asked), *approval


def _pay(
    chain: Chain, signer: Signer, plan: PlanState, function: ContractFunction, cost: int, most: int, *, approve: bool
) -> UsageReceipt:
    """Send the payment after all checks, in the native coin or from a token allowance."""
    if plan.terms.token == ZERO_ADDRESS or cost == 0:
        receipt, fee_receiver = send_with_coin(chain, signer, plan, function, cost=cost)
        return build_usage_receipt(chain, plan, signer.address, receipt, fee_receiver=fee_receiver)
    check_funds(chain, plan.terms.token, signer.address, cost)
    needed = most if approve else cost
    receipt, approval = send_with_allowance(chain, signer, plan.terms.token, function, needed, approve=approve)
    return build_usage_receipt(chain, plan, signer.address, receipt, approval=approval)
