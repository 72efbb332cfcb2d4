"""A connection to a node: reads with checked answers and typed errors."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any, Literal, cast

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress, HexStr
from hexbytes import HexBytes
from web3 import Web3
from web3.contract.contract import Contract, ContractFunction
from web3.exceptions import BadFunctionCallOutput, BlockNotFound, TransactionNotFound, Web3RPCError
from web3.types import RPCEndpoint, TxData, TxParams, TxReceipt

from nvm_chain.chain.answers import check_number, read_number
from nvm_chain.chain.batches import Batches, Reader
from nvm_chain.chain.facts import Facts
from nvm_chain.chain.intrinsic_gas import add_intrinsic_gas
from nvm_chain.chain.receipts import read_receipt, summarize
from nvm_chain.chain.rpc import typed_errors
from nvm_chain.errors import (
    AnswerUnreadable,
    NoContract,
    NvmChainError,
    RpcFailed,
)
from nvm_chain.types.events import Block
from nvm_chain.types.receipts import Transaction

logger = logging.getLogger("nvm_chain")

MOST_BOUND = 256
"""The largest number of contract objects in memory. They are kept because building one takes milliseconds."""


class Node:
    """A connection to a node. ``label`` is ``eth-tester``, or the node's URL without secrets."""

    def __init__(self, web3: Web3, label: str, accounts: Sequence[LocalAccount], timeout_seconds: int) -> None:
        """Take a connected Web3. One request: the chain id. Raises a NetworkError if the node does not give it."""
        # With CCIP reads, any contract could make this process fetch URLs.
        cast(Any, web3.provider).global_ccip_read_enabled = False
        self.web3 = web3
        self.label = label
        self.accounts: Sequence[LocalAccount] = tuple(accounts)
        self.timeout_seconds = timeout_seconds
        self.on_progress: Callable[[str], None] = logger.info
        self.habits = Facts()
        """The forms of requests that this node accepts, as far as they are known."""
        self._batches = Batches(web3, label)
        self._bound: dict[tuple[ChecksumAddress, int], tuple[Contract, Sequence[Any]]] = {}
        with self.typed_errors():
            self.chain_id = check_number(web3.eth.chain_id)

    def typed_errors(self, *, calls: bool = False) -> AbstractContextManager[None]:
        """Replace errors of web3 and requests inside the ``with`` block with errors of this package.

        With ``calls`` the revert data of contracts become the contracts' own errors too.
        """
        return typed_errors(self.label, calls=calls)

    def bind(self, address: ChecksumAddress, abi: Sequence[Any]) -> Contract:
        """Return a contract object at an address. Its functions are arguments of `read` and `send`. No request."""
        kept = self._bound.get((address, id(abi)))
        if kept is None:
            if len(self._bound) >= MOST_BOUND:
                self._bound.clear()
            kept = self._bound[address, id(abi)] = (self.web3.eth.contract(address, abi=list(abi)), abi)
        return kept[0]

    # ------------------------------------------------------------------ batches

    def reading_ahead(self, *readers: Reader) -> AbstractContextManager[None]:
        """Send the first request of each reader in one batch, and keep the answers until the ``with`` block ends.

        An answer is used once. A broadcast drops all unused answers. Without batches nothing is sent ahead. Inside
        another such block this block does nothing; use `read_ahead` there.
        """
        return self._batches.reading_ahead(readers)

    @property
    def takes_batches(self) -> bool:
        """Whether the connection can send several requests in one batch. No request."""
        return self._batches.takes_batches

    def read_ahead(self, *readers: Reader) -> None:
        """Inside a ``with`` block of `reading_ahead`, send the first request of each reader in one batch.

        No request elsewhere.
        """
        self._batches.read_ahead(*readers)

    def following_up(self, *readers: Reader) -> AbstractContextManager[None]:
        """Until the ``with`` block ends, send the readers' first requests along with each request for a receipt.

        The answers for the readers are kept if the node has the receipt. Outside a block of `reading_ahead` nothing is
        sent along.
        """
        return self._batches.following_up(readers)

    def forget_ahead(self) -> None:
        """Drop all answers that were read ahead and are not used yet. No request."""
        self._batches.forget()

    # ------------------------------------------------------------------ read

    def read(
        self,
        function: ContractFunction,
        sender: ChecksumAddress | None = None,
        value: int = 0,
        gas: int | None = None,
        block: int | None = None,
    ) -> Any:
        """Call a contract function without a transaction, and return its result. One request.

        Args:
            function: The function with its arguments, from a contract that `bind` returned.
            sender: The address that makes the call. The node's default if not given.
            value: The native coin that the call transfers, in wei.
            gas: The gas limit of the call, without the base cost of a transaction. The node's limit if not given.
            block: The number of the block whose state the function reads. The latest block if not given.

        Raises:
            NoContract: There is no code at the address.
            TransactionError: The contract refuses the call. The error is the contract's own.
            NetworkError: The node does not give a usable answer, or no longer has the block.
        """
        transaction: TxParams = {"value": self.web3.to_wei(value, "wei")}
        if sender is not None:
            transaction["from"] = sender
        if gas is not None:
            transaction["gas"] = add_intrinsic_gas(bytes.fromhex(encode_call(function)[2:]), gas)
        with self.typed_errors(calls=True):
            try:
                return function.call(transaction, "latest" if block is None else block)
            except (BadFunctionCallOutput, UnicodeDecodeError) as error:
                self.read_code(function.address)
                raise AnswerUnreadable(str(error)) from None

    def call(self, address: ChecksumAddress, data: bytes, block: int | None = None) -> bytes:
        """Call a contract with encoded data, and return the bytes of its answer. One request.

        Raises:
            NoContract: The answer is empty, and there is no code at the address.
            TransactionError: The contract refuses the call. The error is the contract's own.
            NetworkError: The node does not give a usable answer, or no longer has the block.
        """
        call = cast(TxParams, {"to": address, "data": f"0x{data.hex()}"})
        with self.typed_errors(calls=True):
            answer = bytes(self.web3.eth.call(call, "latest" if block is None else block))
        if not answer:
            self.read_code(address)
        return answer

    def read_code(self, address: ChecksumAddress) -> bytes:
        """Return the code at an address. One request. Raises NoContract if there is none."""
        with self.typed_errors():
            code = bytes(self.web3.eth.get_code(address))
        if not code:
            raise NoContract(address, self.chain_id)
        return code

    def has_code(self, address: ChecksumAddress) -> bool:
        """Return whether there is a contract at an address. One request."""
        with self.typed_errors():
            return bool(self.web3.eth.get_code(address))

    def read_time(self) -> int:
        """Return the current time as a Unix timestamp in seconds. One request, or two if the node has no pending block.

        The result is the later of the pending block's timestamp and this machine's clock. Without a pending block
        the latest one is used, which may be old on a chain without empty blocks.
        """
        with self.typed_errors():
            try:
                block = self.web3.eth.get_block("pending")
            except (Web3RPCError, BlockNotFound):
                block = self.web3.eth.get_block("latest")
            return max(check_number(block.get("timestamp")), int(time.time()))

    def read_block(self, number: int | None = None) -> Block:
        """Return the block with a number, or the latest block.

        One request. Raises RpcFailed if there is no such block.
        """
        with self.typed_errors():
            found = self.web3.eth.get_block("latest" if number is None else number)
            place = check_number(found["number"])
            if number not in (None, place):
                raise ValueError("another block")
            return Block(place, f"0x{bytes(found['hash']).hex()}", check_number(found["timestamp"]))

    def read_coin_balance(self, address: ChecksumAddress) -> int:
        """Return the balance of an address in the native coin, in wei. One request."""
        with self.typed_errors():
            return check_number(self.web3.eth.get_balance(address))

    def find_receipt(self, transaction_hash: str) -> TxReceipt | None:
        """Return the receipt of a mined transaction, or None if the node does not have a complete receipt.

        One request.
        """
        found = self._batches.ask_and_follow_up(
            partial(self._read_receipt, transaction_hash), lambda found: found is not None
        )
        return cast(TxReceipt | None, found)

    def _read_receipt(self, transaction_hash: str) -> TxReceipt | None:
        answer = self.ask("eth_getTransactionReceipt", transaction_hash)
        with self.typed_errors():
            return read_receipt(answer, transaction_hash) if answer else None

    def ask(self, method: str, *parameters: object, calls: bool = False) -> Any:
        """Return the result of a JSON-RPC method without web3's formatting. One request.

        The result is None if the node does not have the requested data. web3's formatting fails on some unimportant
        fields, and takes half the time of a large call. With ``calls`` revert data become the contract's own error.
        """
        ask = cast(Callable[[str, list[object]], Any], self.web3.manager.request_blocking)
        with self.typed_errors(calls=calls), suppress(TransactionNotFound, BlockNotFound):
            return ask(method, list(parameters))
        return None

    def read_mined(self, transaction_hash: str) -> TxReceipt:
        """Return the receipt of a mined transaction. One request. Raises RpcFailed if it is not mined."""
        receipt = self.find_receipt(transaction_hash)
        if receipt is None:
            raise RpcFailed(f"transaction {transaction_hash} is not mined")
        return receipt

    def read_transaction(self, transaction_hash: str) -> Transaction:
        """Return the mined transaction with a hash. One request. Raises RpcFailed if it is not mined."""
        return summarize(self.read_mined(transaction_hash))

    def read_created_address(self, transaction_hash: str) -> ChecksumAddress | None:
        """Return the address of the contract that a mined transaction created, or None if it created none. One request.

        Raises RpcFailed if the transaction is not mined.
        """
        return self.read_mined(transaction_hash).get("contractAddress")

    def find_transaction(self, transaction_hash: str) -> TxData | None:
        """Return the sent transaction with a hash, or None if the node does not know it. One request."""
        with self.typed_errors(), suppress(TransactionNotFound):
            return self.web3.eth.get_transaction(HexStr(transaction_hash))
        return None

    def count_sent(self, address: ChecksumAddress, block: int | Literal["latest", "pending"]) -> int:
        """Return the number of transactions that an address has sent, up to a block. One request.

        With ``pending`` the number includes transactions that wait to be mined. If the node refuses ``pending``, the
        number at the latest block is requested instead.
        """
        with self.typed_errors():
            try:
                return check_number(self.web3.eth.get_transaction_count(address, block))
            except Web3RPCError:
                if block != "pending":
                    raise
                return check_number(self.web3.eth.get_transaction_count(address, "latest"))

    def read_sent_in(self, block: int, address: ChecksumAddress) -> dict[int, str]:
        """Return the hashes of an address's transactions in a block, by their nonces. One request."""
        found = self.ask("eth_getBlockByNumber", hex(block), True)
        with self.typed_errors():
            if check_number(read_number(found["number"])) != block:
                raise ValueError("another block")
            return {
                check_number(read_number(each["nonce"])): f"0x{bytes(HexBytes(each['hash'])).hex()}"
                for each in found["transactions"]
                if str(each["from"]).lower() == address.lower()
            }

    def count_pending(self, address: ChecksumAddress) -> int:
        """Return the number of transactions of an address that wait to be mined. Two requests."""
        return self.count_sent(address, "pending") - self.count_sent(address, "latest")

    def read_sent_transaction(self, transaction_hash: str) -> TxData:
        """Return the sent transaction with a hash. One request. Raises RpcFailed if the node does not know it."""
        with self.typed_errors():
            return self.web3.eth.get_transaction(cast(Any, transaction_hash))

    def ask_development_node(self, method: str, *parameters: str) -> bool:
        """Call a method that only development nodes have, such as ``anvil_setCode``. One request.

        Returns whether the method succeeded.
        """
        with suppress(NvmChainError), self.typed_errors():
            return "error" not in cast(Any, self.web3.provider).make_request(RPCEndpoint(method), list(parameters))
        return False


def encode_call(function: ContractFunction) -> str:
    """Return the encoded data of a contract call, as hex text."""
    return str(cast(Any, function)._encode_transaction_data())  # noqa: SLF001  the public method requests fees
