"""Receipts of orders and usage payments, built from the mined transaction without a request."""

from collections import Counter
from collections.abc import Mapping

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.chain.receipts import report_lost_event, summarize
from nvm_chain.operations.tokens import ERC20_ABI
from nvm_chain.types.addresses import ZERO_ADDRESS
from nvm_chain.types.plans import PlanState, share_cost
from nvm_chain.types.receipts import OrderReceipt, Transaction, UsageReceipt

AmountByReceiver = Mapping[ChecksumAddress, int]


def read_coin_fee_receiver(chain: Chain, plan: PlanState) -> ChecksumAddress:
    """Read the receiver of the protocol fee for a payment in the native coin. At most one request.

    Returns the zero address for other payments. Read the receiver before the payment: a failed request after the
    payment would lose the payment's outcome.
    """
    if plan.terms.token != ZERO_ADDRESS or plan.fee_bps == 0:
        return ZERO_ADDRESS
    receiver: ChecksumAddress = chain.read(chain.credits.functions.protocolFee())[1]
    return receiver


def build_order_receipt(
    chain: Chain,
    plan: PlanState,
    payer: ChecksumAddress,
    receipt: TxReceipt,
    *,
    approval: Transaction | None = None,
    fee_receiver: ChecksumAddress = ZERO_ADDRESS,
    collected: int | None = None,
) -> OrderReceipt:
    """Return the receipt of a mined order. ``collected`` is the whole amount of an authorization, in base units."""
    # The event has to name this plan and payer. A token or receiver with code may place another order in between.
    event = chain.read_event(chain.credits, "Ordered", receipt, planId=plan.plan_id, payer=payer)
    ordered, cost = event["args"], event["args"]["cost"]
    transfers = chain.read_events(chain.credits, "TransferSingle", receipt)
    granted = [item["args"]["value"] for item in transfers if item["logIndex"] < event["logIndex"]]
    if not granted:
        raise report_lost_event("TransferSingle", receipt)
    if collected is not None:
        receivers = _forwarded_payments(chain, plan.terms.token, payer, collected - cost, receipt)
    else:
        receivers = _payments(chain, plan, payer, cost, receipt, fee_receiver)
    return OrderReceipt(
        plan_id=plan.plan_id,
        payer=payer,
        receiver=ordered["receiver"],
        quantity=ordered["quantity"],
        token=plan.terms.token,
        paid=cost,
        receivers=receivers,
        credits_granted=granted[-1],  # the transfer right before the event Ordered
        transaction=summarize(receipt),
        approval=approval,
    )


def build_usage_receipt(
    chain: Chain,
    plan: PlanState,
    payer: ChecksumAddress,
    receipt: TxReceipt,
    *,
    approval: Transaction | None = None,
    fee_receiver: ChecksumAddress = ZERO_ADDRESS,
) -> UsageReceipt:
    """Return the receipt of a mined usage payment."""
    paid = chain.read_event(chain.credits, "UsagePaid", receipt, planId=plan.plan_id, payer=payer)["args"]
    return UsageReceipt(
        plan_id=plan.plan_id,
        payer=payer,
        quantity=paid["quantity"],
        context=bytes(paid["context"]),
        token=plan.terms.token,
        paid=paid["cost"],
        receivers=_payments(chain, plan, payer, paid["cost"], receipt, fee_receiver),
        transaction=summarize(receipt),
        approval=approval,
    )


def _payments(
    chain: Chain,
    plan: PlanState,
    payer: ChecksumAddress,
    cost: int,
    receipt: TxReceipt,
    fee_receiver: ChecksumAddress,
) -> AmountByReceiver:
    if plan.terms.token == ZERO_ADDRESS:
        return _coin_payments(chain, plan, cost, receipt, fee_receiver)
    return dict(_token_payments(chain, plan.terms.token, payer, receipt))


def _token_payments(
    chain: Chain, token: ChecksumAddress, source: ChecksumAddress, receipt: TxReceipt
) -> Counter[ChecksumAddress]:
    """Sum the token's transfers from one address, by receiver. The token's Transfer events give the amounts."""
    payments: Counter[ChecksumAddress] = Counter()
    for event in chain.read_events(chain.bind(token, ERC20_ABI), "Transfer", receipt):
        if event["args"]["from"] == source:
            payments[event["args"]["to"]] += event["args"]["value"]
    return payments


def _forwarded_payments(
    chain: Chain, token: ChecksumAddress, payer: ChecksumAddress, change: int, receipt: TxReceipt
) -> AmountByReceiver:
    """Sum the token's transfers from Credits, by receiver, without the payer's change."""
    payments = _token_payments(chain, token, chain.credits.address, receipt)
    payments[payer] -= change
    return {receiver: amount for receiver, amount in payments.items() if amount}


def _coin_payments(
    chain: Chain, plan: PlanState, cost: int, receipt: TxReceipt, fee_receiver: ChecksumAddress
) -> AmountByReceiver:
    """Compute each receiver's amount of the native coin, with the contract's formula. Coin transfers have no events."""
    shares, fees = share_cost(plan.terms, cost, plan.fee_bps)
    payments: Counter[ChecksumAddress] = Counter()
    for receiver, amount in shares:
        payments[receiver] += amount
    if fees:
        forgone = [
            event
            for event in chain.read_events(chain.credits, "FeeForgone", receipt)
            if event["args"]["planId"] == plan.plan_id
        ]
        payments[plan.terms.splits[0].receiver if forgone else fee_receiver] += fees
    return dict(payments)
