"""Sending a transaction: built, signed in its account's turn, handed over, and awaited.

The hash is known before a transaction leaves this process, and it alone decides what became of it. An error to a broadcast
says only what its words say; see `nvm_chain.chain.broadcast`.
"""

from functools import partial
from typing import Final, cast

from eth_typing import ChecksumAddress
from web3.types import Nonce, TxParams, TxReceipt

from nvm_chain.chain.answers import check_number
from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.fees import MOST_GAS, fee_questions, read_fees, read_gas_limit, read_l1_fee
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over
from nvm_chain.chain.node import LEAST_GAS, Node
from nvm_chain.chain.nonce_search import find_free_nonces, find_with_nonce
from nvm_chain.chain.nonces import Accounts, Turn
from nvm_chain.chain.receipts import FAILED, SUCCEEDED
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.signing_many import Signed, sign_new
from nvm_chain.errors import (
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
LONGEST_PAUSE_SECONDS: Final = 1.0
GAS_MARGIN_PERCENT: Final = 20
"""Added to each estimate: state may change until a transaction is mined. Unused gas is not paid for."""


class Sender:
    """What sends on one chain."""

    def __init__(self, node: Node, accounts: Accounts, confirmations: int = 0) -> None:
        """Take the node, the order of the accounts' transactions, and how many blocks have to be on top of each receipt's."""
        self._node, self._accounts, self._confirmations = node, accounts, confirmations
        self._asker = ManyAsker(node)

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
        gas = limit_gas(self.simulate(sender, data, to, value), extra_gas, fees.block_gas_limit)
        l1_fee = read_l1_fee(self._node, len(data) // 2)
        _check_coin(sender, balance, value + gas * fees.max_fee + l1_fee)
        return {
            **call_params(sender, data, to, value),
            **fees.params(),
            "chainId": self._node.chain_id,
            "gas": gas,
        }

    def questions(
        self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int
    ) -> tuple[Reader, ...]:
        """Return what `build` and the choice of a nonce ask, for `Node.read_ahead`."""
        return (
            partial(self._node.read_coin_balance, sender),
            *fee_questions(self._node, len(data) // 2),
            partial(self.simulate, sender, data, to, value),
            partial(self._node.count_sent, sender, "pending"),
        )

    def estimate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0) -> int:
        """Return the gas limit for a transaction, with a margin. Two requests. Raises the error it would revert with, or TooMuchGas."""
        return limit_gas(self.simulate(sender, data, to, value), 0, read_gas_limit(self._node))

    def simulate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> int:
        """Return the gas that a transaction would use now. One request. Raises the error it would revert with."""
        with self._node.typed_errors(calls=True):
            return check_number(self._node.web3.eth.estimate_gas(call_params(sender, data, to, value)))

    # ------------------------------------------------------------------ send

    def send(self, signer: Signer, transaction: TxParams) -> TxReceipt:
        """Sign a transaction in its account's turn, hand it over, and return its receipt when it is mined and succeeded."""
        with self._accounts.turn(signer.address) as turn:
            nonce = next(find_free_nonces(self._node, signer.address, turn))
            sent = self._hand_over(signer, transaction, nonce, turn)
            if sent is None:
                nonce = max(nonce + 1, next(find_free_nonces(self._node, signer.address, turn)))
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

    def _hand_over(self, signer: Signer, transaction: TxParams, nonce: int, turn: Turn) -> Signed | None:
        """Sign a transaction, write it down and hand it over. Return it when it is on its way.

        Returns None if a transaction from elsewhere was mined with the nonce, so that what was signed can never be mined.

        Raises:
            TransactionReplaced: A lost transaction of this machine was mined with the nonce.
            NetworkError: The node did not take it.
            OutcomeUnknown: Nobody can tell.
        """
        complete = cast(TxParams, {**transaction, "nonce": Nonce(nonce)})
        [(_, signed)] = sign_new(signer, [complete], {each.hash for each in turn.sent})
        turn.write_down(nonce, signed.hash, self._node.label)
        parcel = Parcel(signed)
        find_mined = partial(self._find_with_nonce, signer.address)
        hand_over(self._asker, [parcel], find_mined, self._node.timeout_seconds)
        if parcel.fate is Fate.TAKEN:
            turn.confirm()
            return signed
        if parcel.fate is Fate.UNKNOWN:
            problem = f"it answered {quote(parcel.problem)}, and was not seen to have it"
            raise OutcomeUnknown(signed.hash, problem)
        turn.take_back()
        if parcel.fate is Fate.REFUSED and parcel.error is not None:
            raise parcel.error
        if turn.confirm_new(parcel.mined):
            raise TransactionReplaced(signed.hash, signer.address, nonce)
        return None

    def _find_with_nonce(self, address: ChecksumAddress, nonce: int) -> str | None:
        return find_with_nonce(self._node, address, nonce, self._confirmations)

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


def limit_gas(estimate: int, extra_gas: int, block_gas_limit: int) -> int:
    """Return an estimate with its margin, which ends where a transaction or a block does. Raises TooMuchGas."""
    cap = min(MOST_GAS, block_gas_limit)
    if estimate > cap:
        raise TooMuchGas(estimate, cap)
    return min(estimate * (100 + GAS_MARGIN_PERCENT) // 100 + extra_gas, cap)


def _check_coin(sender: ChecksumAddress, balance: int, needed: int) -> None:
    if balance < needed:
        raise InsufficientCoin(sender, balance, needed)
