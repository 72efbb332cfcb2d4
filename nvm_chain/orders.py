"""Orders: check, pay in the way that fits, and say what was paid to whom."""

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from nvm_chain.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.chain import Chain
from nvm_chain.contract_errors import CostAboveMax, TrialAlreadyTaken
from nvm_chain.credits import read_account
from nvm_chain.errors import InvalidConfig, NvmChainError
from nvm_chain.keys import Signer
from nvm_chain.paying import (
    SIGNATURE_SECONDS,
    PayWay,
    check_funds,
    check_signer,
    check_way,
    choose_way,
    prepare_allowance,
    undo_approval,
)
from nvm_chain.permits import Permit, sign_permit
from nvm_chain.plans import check_orderable, quote_plan, read_plan
from nvm_chain.receipts import build_order_receipt, read_coin_fee_receiver
from nvm_chain.relaying import relay_order, sign_plan_order
from nvm_chain.token_domains import read_permit_nonce, read_token_domain
from nvm_chain.types import OrderReceipt, Plan, Transaction
from nvm_chain.units import check_uint


def order_plan(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
    pay: PayWay | None = None,
) -> OrderReceipt:
    """Buy a plan: the signer pays, ``receiver`` (the signer if not given) gets the credits.

    Checks first, so that nothing is sent that would fail: that the plan takes orders, the cost against ``max_cost``
    (in base units; the quoted cost if not given), the signer's balance. ``pay`` says how the money comes, see
    `nvm_chain.paying.PayWay`; if not given, the way with the fewest transactions is chosen: an allowance that is there, else a
    permit if the token takes one, else an approval of exactly the cost. Plans that are free or priced in the native coin need
    none. Should the order fail after an approval, the allowance is put back to what it was; where that cannot be, or the order
    may still be mined, a note on the error says so. Waits until mined.

    One transaction, two if it approves. Raises UnknownPlan, PlanNotActive, WrongKind, SettledOutside, TrialAlreadyTaken,
    InvalidQuantity, QuoteFailed, CostAboveMax, InsufficientFunds, InsufficientCoin, InsufficientAllowance, TokenCannotSign,
    AuthorizationFailed, PaymentFailed, NotMined, OutcomeUnknown, or a NetworkError.
    """
    check_way(pay)
    plan = read_plan(chain, plan_id)
    to = signer.address if receiver is None else parse_address(receiver, "receiver address")
    check_orderable(plan)
    cost = quote_plan(chain, signer.address, plan.plan_id, quantity)
    limit = cost if max_cost is None else check_uint(max_cost, 256, "max_cost")
    if cost > limit:
        raise CostAboveMax(cost, limit)
    if plan.terms.trial and read_account(chain, plan.plan_id, to).trial_taken:
        raise TrialAlreadyTaken(plan.plan_id, to)
    # What is approved or signed for: a fixed price is paid exactly, a quoted one may change up to the limit.
    most = limit if plan.terms.is_quoted else cost
    order = chain.credits.functions.order(plan.plan_id, to, quantity, most)
    if plan.terms.token == ZERO_ADDRESS or cost == 0:
        if pay in ("permit", "authorization"):
            raise InvalidConfig(
                f"an order that is free or paid in the native coin has nothing to sign; leave out pay={pay!r}"
            )
        fee_receiver = read_coin_fee_receiver(chain, plan)
        return build_order_receipt(
            chain, plan, signer.address, chain.send(signer, order, value=cost), fee_receiver=fee_receiver
        )
    check_funds(chain, plan.terms.token, signer.address, cost)
    way = pay or choose_way(chain, signer, plan.terms.token, most)
    if way == "authorization":
        payer = check_signer(signer)
        return relay_order(
            chain, signer, sign_plan_order(chain, payer, plan_id, receiver=to, quantity=quantity, max_cost=most)
        )
    if way == "permit":
        function = _build_permit_order(chain, signer, plan, to, quantity, most)
        return build_order_receipt(chain, plan, signer.address, chain.send(signer, function))
    needed, approve = (most, True) if way == "approve" else (cost, False)
    receipt, approval = _send_with_allowance(chain, signer, plan.terms.token, order, needed, approve=approve)
    return build_order_receipt(chain, plan, signer.address, receipt, approval=approval)


def _build_permit_order(
    chain: Chain, signer: Signer, plan: Plan, receiver: ChecksumAddress, quantity: int, most: int
) -> ContractFunction:
    """Sign a permit for exactly what the order may cost, and put it into the order."""
    token = plan.terms.token
    domain = read_token_domain(chain, token)
    deadline = chain.read_time() + SIGNATURE_SECONDS
    nonce = read_permit_nonce(chain, token, signer.address)
    permit = Permit(signer.address, chain.credits.address, most, nonce, deadline)
    signature = sign_permit(check_signer(signer), permit, token=domain)
    return chain.credits.functions.orderWithPermit(plan.plan_id, receiver, quantity, most, (deadline, *signature))


def _send_with_allowance(
    chain: Chain, signer: Signer, token: ChecksumAddress, order: ContractFunction, needed: int, *, approve: bool
) -> tuple[TxReceipt, Transaction | None]:
    allowance, approval = prepare_allowance(chain, signer, token, needed, approve=approve)
    try:
        return chain.send(signer, order), approval
    except NvmChainError as error:
        if approval is not None:
            undo_approval(chain, signer, token, allowance, error)
        raise
