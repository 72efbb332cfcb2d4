"""The fees of a transaction: the price of gas, and the additional fee on rollups for the data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from secrets import randbelow
from typing import Any, Final, cast

from eth_typing import ChecksumAddress, HexAddress, HexStr
from web3.types import TxParams

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.node import Node
from nvm_chain.errors import NoContract, RpcFailed

OP_STACK: Final = frozenset({10, 8453, 84532, 11155420})
"""OP Mainnet, Base, and their Sepolia networks. A transaction also pays a fee for its bytes on Ethereum (L1)."""
GAS_ORACLE: Final = ChecksumAddress(HexAddress(HexStr("0x420000000000000000000000000000000000000F")))
_ORACLE_ABI: Final = (describe_function("getL1FeeUpperBound", "uint256", "uint256"),)
MOST_GAS: Final = 1 << 24
"""The largest gas limit of a transaction (EIP-7825)."""
BASE_FEE: Final = ("has a base fee",)
"""The key of `Node.habits` under which it is noted whether the chain's blocks have a base fee (EIP-1559)."""
RANDOM_PART: Final = 256
"""The random part of a price is at most a 256th of it."""
RANDOM_GAS: Final = 1024
"""The random part of a gas limit is below this. It is small, because the sender needs the coin for all of the limit."""
_SIGNATURE_BYTES: Final = 130
"""The number of bytes that a transaction has besides its data: signature, nonce and fees, rounded up."""


@dataclass(frozen=True, slots=True)
class Fees:
    """The prices of one unit of gas, in wei, and the gas limit of a block.

    On a chain without EIP-1559, ``tip`` is None and ``max_fee`` is the gas price.
    """

    max_fee: int
    tip: int | None
    block_gas_limit: int

    def params(self) -> TxParams:
        """Return the price fields of a transaction.

        ``maxFeePerGas`` is lowered by a random amount, at most a 256th of its part above the tip. Two machines that
        send the same call at once must not sign the same bytes, and report one transaction twice. At a low price the
        amount is 0, so see `vary_gas` too.
        """
        if self.tip is None:
            return cast(TxParams, {"gasPrice": self.max_fee})
        max_fee = self.max_fee - randbelow((self.max_fee - self.tip) // RANDOM_PART + 1)
        return cast(TxParams, {"maxFeePerGas": max_fee, "maxPriorityFeePerGas": self.tip})


def vary_gas(limit: int, block_gas_limit: int) -> int:
    """Return a gas limit that is raised by a random amount below 1024, but not above what a transaction may use.

    The reason is that of `Fees.params`: two machines must not sign the same bytes. Unused gas costs nothing.
    """
    return max(limit, min(limit + randbelow(RANDOM_GAS), MOST_GAS, block_gas_limit))


def read_fees(node: Node) -> Fees:
    """Return the prices of gas. Two requests. Raises a NetworkError.

    ``max_fee`` is twice the base fee plus the tip (EIP-1559). On a chain without a base fee it is the node's gas price.
    """
    with node.typed_errors():
        block = node.web3.eth.get_block("latest")
        limit, told = _read_limit(node, block), block.get("baseFeePerGas")
    if told is None:
        return Fees(_read_price(node), None, limit)
    base = check_number(told)
    tip = _read_tip(node, base)
    return Fees(2 * base + tip, tip, limit)


def fee_readers(node: Node, data_bytes: int) -> tuple[Reader, ...]:
    """Return a reader for each read that `read_fees` and `read_l1_fee` make, for `Node.read_ahead`."""
    return partial(node.web3.eth.get_block, "latest"), partial(_ask_tip, node), partial(read_l1_fee, node, data_bytes)


def read_gas_limit(node: Node) -> int:
    """Return the gas limit of the latest block. One request."""
    with node.typed_errors():
        return _read_limit(node, node.web3.eth.get_block("latest"))


def _read_limit(node: Node, block: Mapping[str, Any]) -> int:
    """Return a block's gas limit, and note whether it has a base fee.

    If the node gives no gas limit, return the largest one of a transaction.
    """
    node.habits.keep(block.get("baseFeePerGas") is not None, *BASE_FEE)
    told = block.get("gasLimit")
    return MOST_GAS if told is None else check_number(told)


def read_l1_fee(node: Node, data_bytes: int) -> int:
    """Return the highest L1 fee, in wei, of a transaction with ``data_bytes`` bytes of data.

    One request on a chain of `OP_STACK`. On other chains the fee is 0, without a request.
    """
    if node.chain_id not in OP_STACK:
        return 0
    oracle = node.bind(GAS_ORACLE, _ORACLE_ABI)
    try:
        return check_number(node.read(oracle.functions.getL1FeeUpperBound(data_bytes + _SIGNATURE_BYTES)))
    except NoContract:  # a development node with the chain id of a rollup
        return 0


def _read_tip(node: Node, base_fee: int) -> int:
    """Return the node's tip. If the node gives no tip, return the difference of its gas price and the base fee."""
    try:
        return _ask_tip(node)
    except RpcFailed:
        return max(0, _read_price(node) - base_fee)


def _ask_tip(node: Node) -> int:
    """Return the tip that the node proposes. One request.

    The method is called directly, because web3's property logs a warning if a node does not know the method.
    """
    ask = cast(Callable[[str, list[object]], Any], node.web3.manager.request_blocking)
    with node.typed_errors():
        return check_number(read_number(ask("eth_maxPriorityFeePerGas", [])))


def _read_price(node: Node) -> int:
    with node.typed_errors():
        return check_number(node.web3.eth.gas_price)
