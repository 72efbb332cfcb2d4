"""Receivers of an order: before an approval is sent, ask whether they would take the credits."""

from contextlib import suppress
from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.chain.call_forms import HIGH, PLENTY, build_parameters
from nvm_chain.chain.client import Chain
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.raw_calls import call_raw
from nvm_chain.errors import ERC1155InvalidReceiver, NvmChainError
from nvm_chain.operations.payment_methods.purchase import Purchase
from nvm_chain.operations.receivers import explained_receiver

TAKES_PAYMENTS: Final = "0x600160005260206000f3"
"""Code that answers each call as a token that was paid: PUSH1 1, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN."""


def check_receiver(chain: Chain, payer: ChecksumAddress, purchase: Purchase) -> None:
    """Raise ERC1155InvalidReceiver if the receiver of an order rejects the credits now. Mostly one request.

    The order runs as a call from its payer in which the token takes each payment. So a receiver sees the sender and a
    price, as in a transaction. After an error of another kind the order is tried.
    """
    refusal = None
    with suppress(NvmChainError):
        try:
            with explained_receiver(chain, purchase.receiver, delivery=purchase.describe_delivery(payer)):
                _run_paid(chain, payer, purchase)
        except ERC1155InvalidReceiver as error:
            refusal = error
    if refusal is not None:
        raise refusal


def _run_paid(chain: Chain, payer: ChecksumAddress, purchase: Purchase) -> None:
    order = purchase.build_call(chain)
    call = {"from": payer, "to": order.address, "data": encode_call(order)}
    fields, block, *_ = build_parameters(chain, call, HIGH)
    call_raw(chain, fields, block, {payer: {"balance": PLENTY}, purchase.token: {"code": TAKES_PAYMENTS}})
