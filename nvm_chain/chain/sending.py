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
from nvm_chain.chain.repeating import Pauses
from nvm_chain.errors import (
    ConnectionFailed,
    InsufficientCoin,
    NetworkError,
    NotMined,
    OutcomeUnknown,
    RpcFailed,
    TooMuchGas,
    TransactionReplaced,
)
from nvm_chain.errors.formatting import quote
from nvm_chain.signing.keys import Signer

FIRST_PAUSE_SECONDS: Final = 0.02
FIRST_LOOK_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 1.0
GAS_MARGIN_PERCENT: Final = 20
"""Added to each estimate: state may change until a transaction is mined. Unused gas is not paid for."""
LOOKS: Final = 5
"""How often a node is asked for a transaction after an error that does not say whether it has it."""
DEVELOPMENT_CHAINS: Final = frozenset({1337, 31337, 131277322940537})
"""anvil, Ape's and eth-tester's own: what was mined there can be undone, so a transaction that such a node does not know is lost."""
NEWEST_BLOCKS: Final = 64
"""How wide the last step back is when a nonce is looked for: most nodes have the state of twice as many blocks."""
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
        with self._node.typed_errors(calls=True):
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
            sent = self._hand_over(signer, transaction, nonce, turn)
            if sent is None:
                nonce = max(nonce + 1, self._choose_nonce(signer.address, turn))
                sent = self._hand_over(signer, transaction, nonce, turn)
            if sent is None:
                raise RpcFailed(f"other transactions of {signer.address} took its nonce twice")
        self._node.on_progress(f"Waiting for transaction {sent.hash}")
        receipt = self._await(sent.hash, signer.address, sent.nonce)
        if receipt["status"] == FAILED:
            raise self._node.find_reason(transaction, receipt)
        if receipt["status"] != SUCCEEDED:
            raise OutcomeUnknown(sent.hash, "its receipt has no status")
        return receipt

    def _choose_nonce(self, address: ChecksumAddress, turn: Turn) -> int:
        """Return the first nonce that is neither counted by the node nor has a transaction of this machine on its way."""
        nonce = self._node.count_sent(address, "pending")
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
        age = time.time() - sent.time
        return sent.node == self._node.label and not self._is_undoable() and 0 <= age < SETTLING_SECONDS

    def _is_undoable(self) -> bool:
        """Return whether what is mined can be undone, so that what the node does not know is lost."""
        return self._node.chain_id in DEVELOPMENT_CHAINS

    def _sign(self, signer: Signer, transaction: TxParams, nonce: int, turn: Turn) -> tuple[int, str, bytes]:
        """Sign a transaction, and return its nonce, hash and bytes. It is not one that this machine has sent before.

        The same call with the same nonce and fees is the same transaction: both callers would be told of one.
        """
        known = set() if self._is_undoable() else {each.hash for each in turn.sent if each.taken}
        while True:
            signed = signer.sign_transaction({**transaction, "nonce": Nonce(nonce)})
            transaction_hash = f"0x{bytes(signed.hash).hex()}"
            if transaction_hash not in known:
                return nonce, transaction_hash, bytes(signed.raw_transaction)
            nonce += 1

    def _hand_over(self, signer: Signer, transaction: TxParams, nonce: int, turn: Turn) -> Sent | None:
        """Sign and broadcast, and return what was sent as soon as the node may have it.

        Returns None if a transaction from elsewhere was mined with the nonce, so that what was signed can never be mined.

        Raises:
            TransactionReplaced: An earlier transaction of this machine was mined with the nonce.
            NetworkError: The node did not take it.
            OutcomeUnknown: Nobody can tell.
        """
        nonce, transaction_hash, raw = self._sign(signer, transaction, nonce, turn)
        turn.write_down(nonce, transaction_hash, self._node.label)
        try:
            mined = self._broadcast(signer.address, nonce, transaction_hash, raw)
        except NetworkError:
            turn.take_back()
            raise
        if mined in (None, transaction_hash):
            turn.confirm()
            return turn.sent[-1]
        turn.take_back()
        if turn.confirm_other(mined):
            raise TransactionReplaced(transaction_hash, signer.address, nonce)
        return None

    def _broadcast(self, address: ChecksumAddress, nonce: int, transaction_hash: str, raw: bytes) -> str | None:
        """Hand a signed transaction over. Return None when it is on its way, or the hash of what was mined with its nonce.

        The same bytes are handed over again after an error that decides nothing: they are one transaction, however often
        they come. A refusal is believed if the node does not show the transaction, and every answer was a refusal.

        Raises:
            NetworkError: The node refused, and did not take it.
            OutcomeUnknown: Nobody can tell.
        """
        problem, was_refused_only = "", True
        pauses = Pauses(self._node.timeout_seconds, FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS)
        for _ in range(LOOKS):
            try:
                with self._node.typed_errors():
                    self._node.web3.eth.send_raw_transaction(cast(Any, raw))
                return None
            except (ConnectionFailed, RpcFailed) as error:
                meaning, problem = _read_meaning(error), error.reason
                seen = meaning is Refusal.HAS_IT or self._is_there(transaction_hash)
                if seen:
                    return None
                was_refused_only &= seen is False and meaning is Refusal.CANNOT_TAKE_IT
                if was_refused_only:
                    raise
                if meaning is Refusal.NONCE_TAKEN and (mined := self._find_with_nonce(address, nonce)):
                    return mined
            if not pauses.wait():
                break
        raise OutcomeUnknown(transaction_hash, f"it answered {quote(problem)}, and was not seen to have it")

    def _is_there(self, transaction_hash: str) -> bool | None:
        """Return whether the node has a transaction, waiting or mined; None if it does not answer. Two requests."""
        try:
            return bool(self._node.find_transaction(transaction_hash) or self._node.find_receipt(transaction_hash))
        except NetworkError:
            return None

    def _find_with_nonce(self, address: ChecksumAddress, nonce: int) -> str | None:
        """Return the hash of the transaction that was mined with an account's nonce; None if the node does not show it.

        A node may be behind and find nothing. Only another transaction that was mined with the nonce is a proof. The
        newest blocks are asked first, since nodes forget old states. Up to sixteen requests.
        """
        with suppress(NetworkError):
            last = self._node.read_block().number
            first, step = last, 1
            while self._node.count_sent(address, first) > nonce:
                if step > NEWEST_BLOCKS or not first:
                    return None
                last, first, step = first, max(first - step, 0), 2 * step
            if first == last:  # the nonce is not used yet
                return None
            while last - first > 1:
                middle = (first + last) // 2
                is_used = self._node.count_sent(address, middle) > nonce
                first, last = (first, middle) if is_used else (middle, last)
            return self._node.find_in_block(last, address, nonce)
        return None

    # ------------------------------------------------------------------ wait

    def _await(self, transaction_hash: str, address: ChecksumAddress, nonce: int) -> TxReceipt:
        """Return the receipt of a sent transaction. Asks again after a lost connection: money may be on its way."""
        pauses = Pauses(self._node.timeout_seconds, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while True:
            try:
                receipt = self._node.find_receipt(transaction_hash)
                if receipt is not None and self._is_confirmed(receipt):
                    return receipt
                problem = ""
            except NetworkError as error:
                problem = str(getattr(error, "reason", error))
            if not pauses.wait():
                raise self._give_up(transaction_hash, address, nonce, problem)

    def _is_confirmed(self, receipt: TxReceipt) -> bool:
        if not self._confirmations:
            return True
        return self._node.read_block().number - receipt["blockNumber"] >= self._confirmations

    def _give_up(self, transaction_hash: str, address: ChecksumAddress, nonce: int, problem: str) -> Exception:
        """Return what to say of a transaction that was awaited long enough."""
        if problem:
            return OutcomeUnknown(transaction_hash, problem)
        mined = self._find_with_nonce(address, nonce)
        if mined not in (None, transaction_hash):
            return TransactionReplaced(transaction_hash, address, nonce)
        return NotMined(transaction_hash, self._node.timeout_seconds)


def call_params(sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> TxParams:
    """Return what a call and the transaction that repeats it have in common."""
    params = {"from": sender, "value": value, "data": data, **({} if to is None else {"to": to})}
    return cast(TxParams, params)


def _check_coin(sender: ChecksumAddress, balance: int, needed: int) -> None:
    if balance < needed:
        raise InsufficientCoin(sender, balance, needed)


def _read_meaning(error: ConnectionFailed | RpcFailed) -> Refusal:
    return read_refusal(error.reason) if isinstance(error, RpcFailed) else Refusal.SAYS_NOTHING
