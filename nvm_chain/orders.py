"""Orders: check, pay in the way that fits, and say what was paid to whom."""

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.chain import Chain
from nvm_chain.contract_errors import TrialAlreadyTaken
from nvm_chain.credits import read_account
from nvm_chain.eip712 import MessageSigner
from nvm_chain.errors import InvalidConfig
from nvm_chain.keys import Signer
from nvm_chain.paying import (
    SIGNATURE_SECONDS,
    PayWay,
    check_funds,
    check_signer,
    check_way,
    choose_way,
    send_with_allowance,
)
from nvm_chain.permits import Permit, sign_permit
from nvm_chain.plans import check_cost, check_orderable, read_plan
from nvm_chain.receipts import build_order_receipt, read_coin_fee_receiver
from nvm_chain.relaying import send_signed_order, sign_for_plan
from nvm_chain.token_domains import PermitTerms, read_permit_terms
from nvm_chain.types import OrderReceipt, Plan


def order_plan(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
    pay: PayWay | None = None,
    salt: bytes | None = None,
) -> OrderReceipt:
    """Buy a plan: the signer pays, ``receiver`` (the signer if not given) gets the credits.

    A trial is ordered for oneself only; its seller gives it to others with mint_credits.

    Checks first, so that nothing is sent that would fail: that the plan takes orders, the cost against ``max_cost``
    (in base units; the quoted cost if not given), the signer's balance. ``pay`` says how the money comes, see
    `nvm_chain.paying.PayWay`; if not given, the way with the fewest transactions is chosen: an allowance that is there, else a
    permit if the token takes one, else an approval of exactly the cost. Plans that are free or priced in the native coin need
    none. ``salt``, 32 bytes, is for an authorization: a second order that is the same in all, its salt too, is not paid but raises
    OrderAlreadyMade. Should the order fail after an approval, the allowance is put back to what it was; where that cannot be, or the order
    may still be mined, a note on the error says so. Waits until mined.

    One transaction, two if it approves. Raises UnknownPlan, PlanNotActive, WrongKind, PaidExternally, TrialOrderedForOther,
    TrialAlreadyTaken, InvalidQuantity, QuoteFailed, CostAboveMax, InsufficientFunds, InsufficientCoin, InsufficientAllowance,
    TokenCannotSign, AuthorizationFailed, OrderAlreadyMade, PaymentFailed, NotMined, OutcomeUnknown, or a NetworkError.
    """
    check_way(pay)
    if salt is not None and pay != "authorization":
        raise InvalidConfig("only an authorization has a salt; order with pay='authorization', or leave the salt out")
    plan = read_plan(chain, plan_id)
    to = signer.address if receiver is None else parse_address(receiver, "receiver address")
    check_orderable(plan, signer.address, to)
    cost, limit = check_cost(chain, signer.address, plan, quantity, max_cost)
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
    # An authorization brings all that it is for, and the rest goes back.
    check_funds(chain, plan.terms.token, signer.address, most if pay == "authorization" else cost)
    way, permit = (pay, None) if pay else choose_way(chain, signer, plan.terms.token, most)
    if way == "authorization":
        return send_signed_order(
            chain,
            signer,
            plan,
            sign_for_plan(chain, check_signer(signer), plan, receiver=to, quantity=quantity, max_cost=most, salt=salt),
        )
    if way == "permit":
        payer = check_signer(signer)
        permit = permit or read_permit_terms(chain, plan.terms.token, signer.address)
        function = _build_permit_order(chain, payer, plan, permit, receiver=to, quantity=quantity, most=most)
        return build_order_receipt(chain, plan, signer.address, chain.send(signer, function))
    needed, approve = (most, True) if way == "approve" else (cost, False)
    receipt, approval = send_with_allowance(chain, signer, plan.terms.token, order, needed, approve=approve)
    return build_order_receipt(chain, plan, signer.address, receipt, approval=approval)


def _build_permit_order(
    chain: Chain,
    signer: MessageSigner,
    plan: Plan,
    terms: PermitTerms,
    *,
    receiver: ChecksumAddress,
    quantity: int,
    most: int,
) -> ContractFunction:
    """Sign a permit for exactly what the order may cost, and put it into the order."""
    deadline = chain.read_time() + SIGNATURE_SECONDS
    permit = Permit(signer.address, chain.credits.address, most, terms.nonce, deadline)
    signature = sign_permit(signer, permit, token=terms.domain)
    return chain.credits.functions.orderWithPermit(plan.plan_id, receiver, quantity, most, (deadline, *signature))
