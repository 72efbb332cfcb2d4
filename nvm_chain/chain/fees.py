"""What a transaction costs beside its value: the gas price, of the kind that the chain takes, and what rollups add."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from eth_typing import ChecksumAddress, HexAddress, HexStr
from web3.types import TxParams

from nvm_chain.chain.abi_entries import describe_function
from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.node import Node
from nvm_chain.errors import NoContract, RpcFailed

OP_STACK: Final = frozenset({10, 8453, 84532, 11155420})
"""OP Mainnet, Base, and their Sepolias: a transaction pays for its bytes on the chain below as well."""
GAS_ORACLE: Final = ChecksumAddress(HexAddress(HexStr("0x420000000000000000000000000000000000000F")))
_ORACLE_ABI: Final = (describe_function("getL1FeeUpperBound", "uint256", "uint256"),)
MOST_GAS: Final = 1 << 24
"""What the largest transaction may use (EIP-7825)."""
_SIGNATURE_BYTES: Final = 130
"""What signature, nonce and fees add to the data, rounded up."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Prices of a unit of gas, in wei, and the gas of a block. ``tip`` is None where the chain has no EIP-1559."""

    max_fee: int
    tip: int | None
    block_gas_limit: int

    def params(self) -> TxParams:
        """Return the fields of a transaction that say it."""
        if self.tip is None:
            return cast(TxParams, {"gasPrice": self.max_fee})
        return cast(TxParams, {"maxFeePerGas": self.max_fee, "maxPriorityFeePerGas": self.tip})


def read_fees(node: Node) -> Fees:
    """Return what to pay per unit of gas. Two requests. Raises a NetworkError.

    The most is twice the base fee and the tip (EIP-1559). Where there is no base fee, it is the price that the node names.
    """
    with node.typed_errors():
        block = node.web3.eth.get_block("latest")
        limit, told = _read_limit(block), block.get("baseFeePerGas")
    if told is None:
        return Fees(_read_price(node), None, limit)
    base = check_number(told)
    tip = _read_tip(node, base)
    return Fees(2 * base + tip, tip, limit)


def fee_questions(node: Node, data_bytes: int) -> tuple[Reader, ...]:
    """Return what `read_fees` and `read_l1_fee` ask, for `Node.read_ahead`."""
    return partial(node.web3.eth.get_block, "latest"), partial(_ask_tip, node), partial(read_l1_fee, node, data_bytes)


def read_gas_limit(node: Node) -> int:
    """Return the most gas that a block may use. One request."""
    with node.typed_errors():
        return _read_limit(node.web3.eth.get_block("latest"))


def _read_limit(block: Mapping[str, Any]) -> int:
    """Return a block's gas limit; what a transaction may use where the node gives none."""
    told = block.get("gasLimit")
    return MOST_GAS if told is None else check_number(told)


def read_l1_fee(node: Node, data_bytes: int) -> int:
    """Return at most what a rollup's transaction with so much data pays for the chain below, in wei. One request there, none elsewhere."""
    if node.chain_id not in OP_STACK:
        return 0
    oracle = node.bind(GAS_ORACLE, _ORACLE_ABI)
    try:
        return check_number(node.read(oracle.functions.getL1FeeUpperBound(data_bytes + _SIGNATURE_BYTES)))
    except NoContract:  # a development node with the id of such a chain
        return 0


def _read_tip(node: Node, base_fee: int) -> int:
    """Return the tip; on a node that does not name one, what its gas price is above the base fee."""
    try:
        return _ask_tip(node)
    except RpcFailed:
        return max(0, _read_price(node) - base_fee)


def _ask_tip(node: Node) -> int:
    """Return the tip that the node names. One request. Asked as it is: web3's own property warns where a node does not know it."""
    ask = cast(Callable[[str, list[object]], Any], node.web3.manager.request_blocking)
    with node.typed_errors():
        return check_number(read_number(ask("eth_maxPriorityFeePerGas", [])))


def _read_price(node: Node) -> int:
    with node.typed_errors():
        return check_number(node.web3.eth.gas_price)
