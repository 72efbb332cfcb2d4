"""Simulations of signed orders: what the chain would do with an order, without a transaction.

A token asks the code at the payer's address about a signature, and that code may answer by its caller and by the price.
So the whole order runs as a call from its relayer.
"""

from functools import partial
from typing import Final

from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from nvm_chain.chain.batches import Reader
from nvm_chain.chain.call_forms import CALL, find_form
from nvm_chain.chain.client import Chain
from nvm_chain.chain.fees import MOST_GAS
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import AuthorizationFailed, AuthorizationSignatureInvalid
from nvm_chain.operations.payment_causes import blames_signature, explained_payment
from nvm_chain.operations.wallets import unwrap_signature
from nvm_chain.signing.signatures import recover_signer
from nvm_chain.signing.signed_orders import SignedOrder, authorization_digest
from nvm_chain.types.addresses import parse_address

NOBODY: Final = parse_address("0x" + "00" * 19 + "de")
"""The sender of a simulation if no relayer is known. Nobody has its key."""

LEAST_GAS: Final = 1_000_000
"""The gas from which a refusal counts: several times what an order by a contract wallet mostly uses.

With less gas a wallet may refuse what it accepts with more. A node that gives less than `MOST_GAS` to a call does not estimate the gas of a larger transaction either.
"""


def encode_signed_order(chain: Chain, signed: SignedOrder) -> ContractFunction:
    """Return the contract call that makes a signed order. No request."""
    order, signature = signed.order, unwrap_signature(signed).signature
    values = (
        order.plan_id,
        order.payer,
        order.receiver,
        order.quantity,
        order.max_cost,
        order.valid_after,
        order.valid_before,
        order.salt,
    )
    return chain.credits.functions.orderWithAuthorization(values, signature)


def find_simulation_sender(chain: Chain) -> ChecksumAddress:
    """Return the sender of a simulation without a known relayer. No request.

    It is an address without coin, which gets coin for the time of the call (a state override). It is a funded account
    if the chain has some, because eth-tester refuses calls from an address without coin.
    """
    return chain.accounts[0].address if chain.accounts else NOBODY


def simulate_order(chain: Chain, signed: SignedOrder, relayer: ChecksumAddress) -> None:
    """Run a signed order as a call from its relayer. Mostly one request.

    The result is valid for the latest block only. Raises the contract's error if the order would fail. Raises
    InsufficientCoin if the node wants a named relayer to pay for the gas, and the relayer cannot.
    """
    function = encode_signed_order(chain, signed)
    call = {"from": relayer, "to": function.address, "data": encode_call(function), "gas": MOST_GAS}
    call_priced(chain, call, least_gas=LEAST_GAS, pays=relayer != NOBODY)


def simulation_readers(chain: Chain, signed: SignedOrder, relayer: ChecksumAddress) -> tuple[Reader, ...]:
    """Return the readers of `simulate_order`, for `Chain.read_ahead`. No request."""
    return partial(simulate_order, chain, signed, relayer), partial(find_form, chain, CALL, relayer)


def check_simulation(chain: Chain, signed: SignedOrder, relayer: ChecksumAddress) -> None:
    """Raise the error of an order that would fail now. Mostly one request, and more to find the cause of a failure.

    Raises:
        AuthorizationSignatureInvalid: The token does not accept the signature.
        AuthorizationFailed: The token refuses the authorization for another reason.
        TransactionError: The contract refuses the order.
        InsufficientCoin: The node wants the relayer to pay for the gas of the call, and the relayer cannot.
        NetworkError: The node does not give a usable answer.
    """
    order, token = signed.order, signed.token.address
    try:
        with explained_payment(chain, token, order.payer, receiver=order.receiver, signed=True):
            simulate_order(chain, signed, relayer)
    except AuthorizationFailed as error:
        digest = authorization_digest(order, token=signed.token, contract=signed.contract)
        recovered = recover_signer(digest, signed.signature)
        if recovered == order.payer or (error.explanation is not None and not blames_signature(error)):
            raise
        raise AuthorizationSignatureInvalid(order.payer, recovered) from None
