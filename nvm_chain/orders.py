"""Orders: check, approve exactly what is needed, buy, and say what was paid to whom."""

import time
from collections import Counter
from collections.abc import Mapping

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.addresses import ZERO_ADDRESS, parse_address
from nvm_chain.chain import Chain, summarize
from nvm_chain.contract_errors import CostAboveMax, PlanNotActive, TrialAlreadyTaken
from nvm_chain.credits import read_account
from nvm_chain.errors import (
    InsufficientAllowance,
    InsufficientFunds,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
)
from nvm_chain.keys import Signer
from nvm_chain.plans import quote_plan, read_plan
from nvm_chain.tokens import ERC20_ABI, approve_credits, read_allowance, read_token_balance
from nvm_chain.types import OrderReceipt, Plan, Transaction
from nvm_chain.units import check_uint

BPS = 10_000
ALLOWANCE_POLLS = 10
ALLOWANCE_PAUSE_SECONDS = 0.3


def order_plan(
    chain: Chain,
    signer: Signer,
    plan_id: int | str,
    *,
    receiver: str | None = None,
    quantity: int = 1,
    max_cost: int | None = None,
    approve: bool = True,
) -> OrderReceipt:
    """Buy a plan: the signer pays, ``receiver`` (the signer if not given) gets the credits.

    Checks first, so that nothing is sent that would fail: that the plan takes orders, the cost against ``max_cost``
    (in base units; the quoted cost if not given), the signer's balance and allowance. If the allowance is too small it
    approves exactly the cost, or with ``approve=False`` raises InsufficientAllowance. Should the order fail after an
    approval, the allowance is put back to what it was; where that cannot be, or the order may still be mined, a note on the
    error says so. Waits until mined.

    One transaction, two if it approves. Raises UnknownPlan, PlanNotActive, TrialAlreadyTaken, InvalidQuantity,
    CostAboveMax, InsufficientFunds, InsufficientCoin, PaymentFailed, NotMined, OutcomeUnknown, or a NetworkError.
    """
    plan = read_plan(chain, plan_id)
    to = signer.address if receiver is None else parse_address(receiver, "receiver address")
    cost = quote_plan(chain, signer.address, plan.plan_id, quantity)
    limit = cost if max_cost is None else check_uint(max_cost, 256, "max_cost")
    _check_order(chain, plan, to, cost, limit)

    fee_receiver = _read_coin_fee_receiver(chain, plan)

    function = chain.credits.functions.order(plan.plan_id, to, quantity, limit)
    if plan.terms.token == ZERO_ADDRESS or cost == 0:
        receipt, approval = chain.send(signer, function, value=cost), None
    else:
        allowance, approval = _prepare_payment(chain, signer, plan.terms.token, cost, approve)
        try:
            receipt = chain.send(signer, function)
        except NvmChainError as error:
            if approval is not None:
                _undo_approval(chain, signer, plan.terms.token, allowance, error)
            raise
    return _build_receipt(chain, plan, receipt, approval, fee_receiver)


def _check_order(chain: Chain, plan: Plan, receiver: ChecksumAddress, cost: int, limit: int) -> None:
    """Raise before an approval is sent what the contract would raise after it."""
    if not plan.active:
        raise PlanNotActive(plan.plan_id)
    if cost > limit:
        raise CostAboveMax(cost, limit)
    if plan.terms.trial and read_account(chain, plan.plan_id, receiver).trial_taken:
        raise TrialAlreadyTaken(plan.plan_id, receiver)


def _prepare_payment(
    chain: Chain, signer: Signer, token: ChecksumAddress, cost: int, approve: bool
) -> tuple[int, Transaction | None]:
    """Make sure that the contract can take the cost; return the allowance before, and the approval if one was sent."""
    balance = read_token_balance(chain, token, signer.address)
    if balance < cost:
        raise InsufficientFunds(token, signer.address, balance, cost)
    allowance = read_allowance(chain, token, signer.address)
    if allowance >= cost:
        return allowance, None
    if not approve:
        raise InsufficientAllowance(token, signer.address, chain.credits.address, allowance, cost)
    approval = approve_credits(chain, signer, token, cost)
    _await_allowance(chain, signer, token, cost)
    return allowance, approval


def _await_allowance(chain: Chain, signer: Signer, token: ChecksumAddress, cost: int) -> None:
    """Wait until the node sees the approval: behind a load balancer the next request may reach one that lags."""
    for _ in range(ALLOWANCE_POLLS):
        if read_allowance(chain, token, signer.address) >= cost:
            return
        time.sleep(ALLOWANCE_PAUSE_SECONDS)


def _undo_approval(chain: Chain, signer: Signer, token: ChecksumAddress, allowance: int, error: NvmChainError) -> None:
    """Put an allowance back after an order that failed. Where that cannot be, say so in the order's error."""
    why = "the order may still be mined, and needs it then"
    if not isinstance(error, NotMined | OutcomeUnknown):
        try:
            approve_credits(chain, signer, token, allowance)
            return
        except NvmChainError as second:
            why = f"it could not be taken back: {second}"
    error.add_note(
        f"The approval of {token} for {chain.credits.address} still stands ({why}). "
        f"If the order does not go through, approve {allowance}, as it was."
    )


def _read_coin_fee_receiver(chain: Chain, plan: Plan) -> ChecksumAddress:
    """Read who gets the fee of an order in coin, before it is sent: after it, nothing may fail any more."""
    if plan.terms.token != ZERO_ADDRESS or plan.fee_bps == 0:
        return ZERO_ADDRESS
    receiver: ChecksumAddress = chain.read(chain.credits.functions.protocolFee())[1]
    return receiver


def _build_receipt(
    chain: Chain, plan: Plan, receipt: TxReceipt, approval: Transaction | None, fee_receiver: ChecksumAddress
) -> OrderReceipt:
    """Tell from the mined transaction alone, without a request, what happened."""
    ordered = chain.read_events(chain.credits, "Ordered", receipt)[0]["args"]
    granted = chain.read_events(chain.credits, "TransferSingle", receipt)[0]["args"]["value"]
    if plan.terms.token == ZERO_ADDRESS:
        receivers = _coin_payments(chain, plan, ordered["quantity"], receipt, fee_receiver)
    else:
        receivers = _token_payments(chain, plan.terms.token, ordered["payer"], receipt)
    return OrderReceipt(
        plan_id=plan.plan_id,
        payer=ordered["payer"],
        receiver=ordered["receiver"],
        quantity=ordered["quantity"],
        token=plan.terms.token,
        paid=ordered["cost"],
        receivers=receivers,
        credits_granted=granted,
        transaction=summarize(receipt),
        approval=approval,
    )


def _token_payments(
    chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, receipt: TxReceipt
) -> Mapping[ChecksumAddress, int]:
    """Sum what left the payer, by receiver, as the token's own Transfer events tell it."""
    payments: Counter[ChecksumAddress] = Counter()
    for event in chain.read_events(chain.bind(token, ERC20_ABI), "Transfer", receipt):
        if event["args"]["from"] == payer:
            payments[event["args"]["to"]] += event["args"]["value"]
    return dict(payments)


def _coin_payments(
    chain: Chain, plan: Plan, quantity: int, receipt: TxReceipt, fee_receiver: ChecksumAddress
) -> Mapping[ChecksumAddress, int]:
    """Compute who got how much coin, which leaves no events, from the terms as the contract does."""
    payments: Counter[ChecksumAddress] = Counter()
    fees = 0
    for split in plan.terms.splits:
        due = split.amount * quantity
        fee = due * plan.fee_bps // BPS
        payments[split.receiver] += due - fee
        fees += fee
    if fees:
        forgone = chain.read_events(chain.credits, "FeeForgone", receipt)
        payments[plan.terms.splits[0].receiver if forgone else fee_receiver] += fees
    return dict(payments)
