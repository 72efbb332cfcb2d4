"""Sending a transaction: built, signed in its account's turn, handed over, and awaited.

The hash is known before a transaction leaves this process, and it alone decides what became of it. An error to a broadcast
says only what its words say; see `nvm_chain.chain.broadcast`.
"""

import time
from contextlib import suppress
from typing import Any, Final, cast

from eth_typing import ChecksumAddress
from web3.types import Nonce, TxParams, TxReceipt

from nvm_chain.chain.answers import check_number
from nvm_chain.chain.broadcast import Refusal, read_refusal
from nvm_chain.chain.fees import MOST_GAS, read_fees, read_gas_limit, read_l1_fee
from nvm_chain.chain.node import LEAST_GAS, Node
from nvm_chain.chain.nonces import Accounts, Sent, Turn
from nvm_chain.chain.receipts import FAILED, SUCCEEDED
from nvm_chain.errors import (
    InsufficientCoin,
    NetworkError,
    NotMined,
    NvmChainError,
    OutcomeUnknown,
    RpcFailed,
    TooMuchGas,
    TransactionReplaced,
)
from nvm_chain.errors.formatting import quote
from nvm_chain.signing.keys import Signer

FIRST_PAUSE_SECONDS: Final = 0.02
LONGEST_PAUSE_SECONDS: Final = 1.0
GAS_MARGIN_PERCENT: Final = 20
"""Added to each estimate: state may change until a transaction is mined. Unused gas is not paid for."""
LOOKS: Final = 5
"""How often a node is asked for a transaction after an error that does not say whether it has it."""
DEVELOPMENT_CHAINS: Final = frozenset({1337, 31337, 131277322940537})
"""anvil, Ape's and eth-tester's own: what was mined there can be undone, so a transaction that such a node does not know is lost."""
NEWEST_BLOCKS: Final = 120
"""How far back a nonce is looked for: most nodes have the state of so many blocks."""
SETTLING_SECONDS: Final = 60
"""How long a node elsewhere may not know what another has taken."""


class Sender:
    """What sends on one chain."""

    def __init__(self, node: Node, accounts: Accounts, confirmations: int = 0) -> None:
        """Take the node, the order of the accounts' transactions, and how many blocks have to be on top of each receipt's."""
        self._node, self._accounts, self._confirmations = node, accounts, confirmations

    # ------------------------------------------------------------------ build

    def build(
        self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int, extra_gas: int
    ) -> TxParams:
        """Return a transaction without its nonce that the sender can pay for and that would succeed now. Four requests.

        On a chain without EIP-1559 it is one of the older kind. Raises InsufficientCoin, TooMuchGas, the contract's error, or a NetworkError.
        """
        balance = self._node.read_coin_balance(sender)
        _check_coin(sender, balance, value)
        fees = read_fees(self._node)
        # Some nodes estimate nothing for an account that could not pay for it.
        _check_coin(sender, balance, value + LEAST_GAS * fees.max_fee)
        gas = self._limit_gas(self._estimate(sender, data, to, value), extra_gas, fees.block_gas_limit)
        l1_fee = read_l1_fee(self._node, len(data) // 2)
        _check_coin(sender, balance, value + gas * fees.max_fee + l1_fee)
        return {
            **call_params(sender, data, to, value),
            **fees.params(),
            "chainId": self._node.chain_id,
            "gas": gas,
        }

    def estimate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0) -> int:
        """Return the gas limit for a transaction, with a margin. Two requests. Raises the error it would revert with, or TooMuchGas."""
        return self._limit_gas(self._estimate(sender, data, to, value), 0, read_gas_limit(self._node))

    def _estimate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> int:
        with self._node.typed_errors():
            return check_number(self._node.web3.eth.estimate_gas(call_params(sender, data, to, value)))

    def _limit_gas(self, estimate: int, extra_gas: int, block_gas_limit: int) -> int:
        """Return an estimate with its margin, which ends where a transaction or a block does."""
        cap = min(MOST_GAS, block_gas_limit)
        if estimate > cap:
            raise TooMuchGas(estimate, cap)
        return min(estimate * (100 + GAS_MARGIN_PERCENT) // 100 + extra_gas, cap)

    # ------------------------------------------------------------------ send

    def send(self, signer: Signer, transaction: TxParams) -> TxReceipt:
        """Sign a transaction in its account's turn, hand it over, and return its receipt when it is mined and succeeded."""
        with self._accounts.turn(signer.address) as turn:
            nonce = self._choose_nonce(signer.address, turn)
            try:
                sent = self._hand_over(signer, transaction, nonce, turn)
            except _NonceTaken:
                # Another process or wallet was first. What was signed with its nonce can never be mined, so one more try is safe.
                nonce = self._choose_nonce(signer.address, turn)
                try:
                    sent = self._hand_over(signer, transaction, nonce, turn)
                except _NonceTaken as error:
                    raise error.error from None
        self._node.on_progress(f"Waiting for transaction {sent}")
        receipt = self._await(sent, signer.address, nonce)
        if receipt["status"] == FAILED:
            raise self._node.find_reason(transaction, receipt)
        if receipt["status"] != SUCCEEDED:
            raise OutcomeUnknown(sent, "its receipt has no status")
        return receipt

    def _choose_nonce(self, address: ChecksumAddress, turn: Turn) -> int:
        """Return the first nonce that is neither counted by the node nor has a transaction of this machine on its way."""
        nonce = self._node.count_sent(address, pending=True)
        sent = {each.nonce: each for each in turn.sent}
        while nonce in sent and self._is_on_its_way(sent[nonce]):
            nonce += 1
        return nonce

    def _is_on_its_way(self, sent: Sent) -> bool:
        """Return whether a transaction may still be mined: the node has it, or took it a moment ago and may be behind."""
        if not sent.taken:
            return False
        if self._node.find_transaction(sent.hash) is not None:
            return True
        same_node = sent.node == self._node.label and self._node.chain_id not in DEVELOPMENT_CHAINS
        return same_node and time.time() - sent.time < SETTLING_SECONDS

    def _hand_over(self, signer: Signer, transaction: TxParams, nonce: int, turn: Turn) -> str:
        """Sign and broadcast, and return the hash as soon as the node may have the transaction.

        Raises the node's error if it did not take the transaction, and OutcomeUnknown if that cannot be said.
        """
        signed = signer.sign_transaction({**transaction, "nonce": Nonce(nonce)})
        transaction_hash = f"0x{bytes(signed.hash).hex()}"
        turn.write_down(nonce, transaction_hash, self._node.label)
        try:
            self._broadcast(signer.address, nonce, transaction_hash, signed.raw_transaction)
        except (NetworkError, _NonceTaken):
            turn.take_back()
            raise
        turn.confirm()
        return transaction_hash

    def _broadcast(self, address: ChecksumAddress, nonce: int, transaction_hash: str, raw: bytes) -> None:
        """Hand a signed transaction over, and return when it is on its way.

        The same bytes are handed over again after an error that decides nothing: they are one transaction, however often
        they come. A refusal is believed if the node does not show the transaction, and every answer was a refusal.

        Raises:
            _NonceTaken: Another transaction with the nonce is mined.
            NetworkError: The node refused, and did not take it.
            OutcomeUnknown: Nobody can tell.
        """
        problem, was_refused_only = "", True
        deadline = time.monotonic() + self._node.timeout_seconds
        for pause in _pauses(LOOKS):
            try:
                with self._node.typed_errors():
                    self._node.web3.eth.send_raw_transaction(cast(Any, raw))
                return
            except NvmChainError as error:
                meaning, problem = _read_meaning(error), str(getattr(error, "reason", error))
                seen = meaning is Refusal.HAS_IT or self._is_there(transaction_hash)
                if seen:
                    return
                was_refused_only &= seen is False and meaning is not Refusal.SAYS_NOTHING
                if meaning is Refusal.CANNOT_TAKE_IT and was_refused_only:
                    raise
                if meaning is Refusal.NONCE_TAKEN and (mined := self._find_with_nonce(address, nonce)) is not None:
                    if transaction_hash in mined:
                        return
                    raise _NonceTaken(error) from None
            if time.monotonic() + pause > deadline:
                break
            time.sleep(pause)
        raise OutcomeUnknown(transaction_hash, f"it answered {quote(problem)}, and was not seen to have it")

    def _is_there(self, transaction_hash: str) -> bool | None:
        """Return whether the node has a transaction, waiting or mined; None if it does not answer. Two requests."""
        try:
            return bool(self._node.find_transaction(transaction_hash) or self._node.find_receipt(transaction_hash))
        except NvmChainError:
            return None

    def _find_with_nonce(self, address: ChecksumAddress, nonce: int) -> set[str] | None:
        """Return the hashes of the block in which an account's nonce was used; None if the node does not show it.

        A node may be behind and find nothing. Only another transaction that was mined with the nonce is a proof. Up to
        twelve requests.
        """
        with suppress(NvmChainError):
            last = self._node.read_block().number
            first = self._find_before(address, nonce, last)
            if first is None:
                return None
            while last - first > 1:
                middle = (first + last) // 2
                is_used = self._node.count_at(address, middle) > nonce
                first, last = (first, middle) if is_used else (middle, last)
            return self._node.read_hashes(last)
        return None

    def _find_before(self, address: ChecksumAddress, nonce: int, last: int) -> int | None:
        """Return a block, one of the newest, before a nonce was used, if it is used in the last one. Nodes forget old states."""
        if self._node.count_at(address, last) <= nonce:
            return None
        back = 1
        while back <= NEWEST_BLOCKS:
            first = max(last - back, 0)
            if self._node.count_at(address, first) <= nonce:
                return first
            back *= 2
        return None

    # ------------------------------------------------------------------ wait

    def _await(self, transaction_hash: str, address: ChecksumAddress, nonce: int) -> TxReceipt:
        """Return the receipt of a sent transaction. Asks again after a lost connection: money may be on its way."""
        deadline, pause, problem = time.monotonic() + self._node.timeout_seconds, FIRST_PAUSE_SECONDS, ""
        while True:
            try:
                receipt = self._node.find_receipt(transaction_hash)
                if receipt is not None and self._is_confirmed(receipt):
                    return receipt
                problem = ""
            except NvmChainError as error:
                problem = str(getattr(error, "reason", error))
            if time.monotonic() >= deadline:
                raise self._give_up(transaction_hash, address, nonce, problem)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _is_confirmed(self, receipt: TxReceipt) -> bool:
        if not self._confirmations:
            return True
        return self._node.read_block().number - receipt["blockNumber"] >= self._confirmations

    def _give_up(self, transaction_hash: str, address: ChecksumAddress, nonce: int, problem: str) -> Exception:
        """Return what to say of a transaction that was awaited long enough."""
        if problem:
            return OutcomeUnknown(transaction_hash, problem)
        mined = self._find_with_nonce(address, nonce)
        if mined is not None and transaction_hash not in mined:
            return TransactionReplaced(transaction_hash, address, nonce)
        return NotMined(transaction_hash, self._node.timeout_seconds)


class _NonceTaken(Exception):
    """Another transaction has the nonce that was chosen."""

    def __init__(self, error: NvmChainError) -> None:
        super().__init__()
        self.error = error


def call_params(sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> TxParams:
    """Return what a call and the transaction that repeats it have in common."""
    params = {"from": sender, "value": value, "data": data, **({} if to is None else {"to": to})}
    return cast(TxParams, params)


def _check_coin(sender: ChecksumAddress, balance: int, needed: int) -> None:
    if balance < needed:
        raise InsufficientCoin(sender, balance, needed)


def _read_meaning(error: NvmChainError) -> Refusal:
    """Return what an error says of the transaction. One that names a contract's error may be of a transaction that is mined."""
    return read_refusal(error.reason) if isinstance(error, RpcFailed) else Refusal.SAYS_NOTHING


def _pauses(count: int) -> list[float]:
    return [0.1 * 2**number for number in range(count)]
