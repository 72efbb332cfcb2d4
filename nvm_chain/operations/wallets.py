"""Contract wallets: ask one whether it accepts a signature (ERC-1271)."""

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from eth_typing import ChecksumAddress

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answer_words import WORD
from nvm_chain.chain.client import Chain
from nvm_chain.chain.intrinsic_gas import add_intrinsic_gas
from nvm_chain.chain.node import encode_call
from nvm_chain.chain.priced_calls import call_priced
from nvm_chain.errors import InvalidMessage, RpcFailed, TransactionError
from nvm_chain.signing.signatures import AskChain
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.signing.wallets.wrapping import is_wrapped, unwrap

Signed = TypeVar("Signed", SignedVoucher, SignedOrder)

MAGIC_VALUE: Final = bytes.fromhex("1626ba7e")
"""The answer of a wallet that accepts the signature."""

WALLET_GAS: Final = 200_000
"""The gas that a wallet gets for its answer. The contract gives the same amount (``ISOLATED_GAS``)."""

WALLET_ABI: Final = (describe_function("isValidSignature", "bytes32 bytes", "bytes4"),)


def unwrap_signature(signed: Signed) -> Signed:
    """Return a signed voucher or order without the wrapping of ERC-6492 around its signature. No request.

    Most deployed wallets accept the inner signature only. A malformed wrapping stays as it is, and the chain decides.
    """
    if is_wrapped(signed.signature):
        with suppress(InvalidMessage):
            return replace(signed, signature=unwrap(signed.signature))
    return signed


def ask_wallets(chain: Chain) -> AskChain:
    """Return a function that asks a contract wallet whether it accepts a signature. Mostly one request for each call.

    The call has Credits as sender, a price, and the gas that Credits gives a wallet. The answer counts for the latest
    block. Raises a NetworkError if the node runs no such call.
    """

    def ask(account: ChecksumAddress, digest: bytes, signature: bytes) -> bool:
        data = encode_call(chain.bind(account, WALLET_ABI).functions.isValidSignature(digest, signature))
        call = {"to": account, "data": data, "gas": add_intrinsic_gas(bytes.fromhex(data[2:]), WALLET_GAS)}
        try:
            answer = _ask_from(chain, call)
        except TransactionError:
            return False
        return answer[:WORD] == MAGIC_VALUE.ljust(WORD, b"\0")

    return ask


def _ask_from(chain: Chain, call: dict[str, Any]) -> bytes:
    """Make a call from Credits. If a development chain refuses a sender that has zero coins, a funded account calls."""
    try:
        return call_priced(chain, {"from": chain.credits.address, **call})
    except RpcFailed as error:
        if chain.accounts:
            return call_priced(chain, {"from": chain.accounts[0].address, **call})
        if error.explanation is not None:
            error.explain(error.explanation[0], "use another node")  # nobody can name another sender than Credits
        raise
