"""Usage plans: pay for a request, with its id in the event."""

from typing import Literal
from uuid import UUID

from nvm_chain.addresses import ZERO_ADDRESS
from nvm_chain.chain import Chain
from nvm_chain.contexts import encode_context
from nvm_chain.contract_errors import PlanNotActive, WrongKind
from nvm_chain.errors import InvalidConfig
from nvm_chain.keys import Signer
from nvm_chain.paying import check_funds, send_with_allowance
from nvm_chain.plans import check_cost, read_plan
from nvm_chain.receipts import build_usage_receipt, read_coin_fee_receiver
from nvm_chain.types import PlanKind, UsageReceipt


def pay_usage(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    quantity: int = 1,
    max_cost: int | None = None,
    context: str | bytes | UUID = b"",
    pay: Literal["allowance", "approve"] = "approve",
) -> UsageReceipt:
    """Pay for a request of a usage plan; nothing is granted.

    ``quantity`` is how many units are paid for, ``context`` (at most 32 bytes, such as a request id) goes to the event, where
    whoever serves the request finds it. ``max_cost`` in base units, the quoted cost if not given. ``approve`` approves exactly
    the cost if the allowance is too small; for many requests approve once and pay from the ``allowance``.

    One transaction, two if it approves. Raises UnknownPlan, PlanNotActive, WrongKind, InvalidQuantity, QuoteFailed,
    CostAboveMax, InsufficientFunds, InsufficientAllowance, InsufficientCoin, PaymentFailed, InvalidContext, NotMined,
    OutcomeUnknown, or a NetworkError.
    """
    if pay not in ("allowance", "approve"):
        raise InvalidConfig(f"usage is paid with pay='approve' or pay='allowance', not {pay!r}")
    encoded = encode_context(context)
    plan = read_plan(chain, plan_id)
    if plan.terms.kind is not PlanKind.USAGE:
        raise WrongKind(plan.plan_id, plan.terms.kind)
    if not plan.active:
        raise PlanNotActive(plan.plan_id)
    cost, limit = check_cost(chain, signer.address, plan, quantity, max_cost)
    most = limit if plan.terms.is_quoted else cost
    function = chain.credits.functions.payUsage(plan.plan_id, quantity, most, encoded)
    if plan.terms.token == ZERO_ADDRESS or cost == 0:
        fee_receiver = read_coin_fee_receiver(chain, plan)
        return build_usage_receipt(
            chain, plan, signer.address, chain.send(signer, function, value=cost), fee_receiver=fee_receiver
        )
    check_funds(chain, plan.terms.token, signer.address, cost)
    needed, approve = (most, True) if pay == "approve" else (cost, False)
    receipt, approval = send_with_allowance(chain, signer, plan.terms.token, function, needed, approve=approve)
    return build_usage_receipt(chain, plan, signer.address, receipt, approval=approval)
