"""Payment in the native coin, sent along with the transaction. Free orders are sent in the same way."""

from functools import partial

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain.client import Chain
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.receipts import build_order_receipt, read_coin_fee_receiver
from nvm_chain.signing.keys import Signer
from nvm_chain.types.plans import PlanState
from nvm_chain.types.receipts import OrderReceipt


def order_with_coin(chain: Chain, signer: Signer, purchase: Purchase) -> OrderReceipt:
    """Send an order that is free or priced in the native coin, and wait until it is mined. One transaction."""
    receipt, fee_receiver = send_with_coin(chain, signer, purchase.plan, purchase.build_call(chain), cost=purchase.cost)
    return build_order_receipt(chain, purchase.plan, signer.address, receipt, fee_receiver=fee_receiver)


def send_with_coin(
    chain: Chain, signer: Signer, plan: PlanState, function: ContractFunction, *, cost: int
) -> tuple[TxReceipt, ChecksumAddress]:
    """Send a call with ``cost`` wei. Return the call's receipt, and the protocol fee's receiver before the call."""
    read_fee_receiver = partial(read_coin_fee_receiver, chain, plan)
    chain.read_ahead(read_fee_receiver, *chain.sending_readers(signer.address, function, cost))
    fee_receiver = read_fee_receiver()
    return chain.send(signer, function, value=cost), fee_receiver
