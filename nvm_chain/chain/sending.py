"""One transaction: build it, sign it, broadcast it, and wait for the receipt.

An account is locked while its transaction is signed and broadcast. See `nvm_chain.chain.turns`.

The hash of a transaction is known before the broadcast. Only a search for this hash tells the outcome, because a node
may take a transaction and still answer with an error. See `nvm_chain.chain.broadcast` for the meanings of these errors.
"""

from functools import partial
from typing import Final, cast

from eth_typing import ChecksumAddress
from web3.types import Nonce, TxParams, TxReceipt

from nvm_chain.chain.asking_many import ManyAsker
from nvm_chain.chain.batches import Reader
from nvm_chain.chain.fees import MOST_GAS, fee_readers, read_fees, read_gas_limit, read_l1_fee, vary_gas
from nvm_chain.chain.handing_over import Fate, Parcel, hand_over, look_for
from nvm_chain.chain.intrinsic_gas import LEAST_GAS
from nvm_chain.chain.node import Node
from nvm_chain.chain.nonce_search import NonceSearch, find_free_nonces
from nvm_chain.chain.priced_calls import estimate_priced
from nvm_chain.chain.progress import tell
from nvm_chain.chain.receipts import FAILED, NO_RECEIPT, NOT_IN_CHAIN, SUCCEEDED, describe_shallow, write_hash
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.replays import find_reason
from nvm_chain.chain.signing_many import Signed, sign_new
from nvm_chain.chain.turns import Accounts, Turn
from nvm_chain.errors import (
    InsufficientCoin,
    NetworkError,
    NotMined,
    OutcomeUnknown,
    RpcFailed,
    TooMuchGas,
    TransactionError,
    TransactionReplaced,
)
from nvm_chain.errors.fields import COIN
from nvm_chain.errors.formatting import format_money, quote
from nvm_chain.signing.keys import Signer

FIRST_PAUSE_SECONDS: Final = 0.02
LONGEST_PAUSE_SECONDS: Final = 1.0
GAS_MARGIN_PERCENT: Final = 20
"""The margin on each gas estimate, because the state may change until the transaction is mined.

Unused gas costs nothing.
"""


class Sender:
    """Builds and sends transactions on one chain."""

    def __init__(self, node: Node, accounts: Accounts, confirmations: int = 0) -> None:
        """Take the node, the accounts, and the number of blocks that must follow a transaction's block.

        ``accounts`` has the locks and the journals.
        """
        self._node, self._accounts, self._confirmations = node, accounts, confirmations
        self._asker = ManyAsker(node)

    # ------------------------------------------------------------------ build

    def build(
        self,
        sender: ChecksumAddress,
        data: str,
        to: ChecksumAddress | None,
        value: int,
        extra_gas: int,
        most_gas: int = MOST_GAS,
    ) -> TxParams:
        """Return a transaction without nonce that the sender can pay for, and that would succeed now. Four requests.

        On a chain of `OP_STACK` there is one more request. On a chain without EIP-1559 the transaction has a gas price.

        Raises:
            InsufficientCoin: The sender has too little coin for value, gas and L1 fee.
            TooMuchGas: The transaction needs more gas than ``most_gas``, or than a transaction or a block may use.
            TransactionError: The transaction would revert. The error is the contract's own.
            NetworkError: The node does not give a usable answer.
        """
        balance = self._node.read_coin_balance(sender)
        if balance < value:
            raise _ask_for_least(sender, balance, value)
        fees = read_fees(self._node)
        least = value + LEAST_GAS * fees.max_fee
        try:
            estimate = self.simulate(sender, data, to, value)
        except (NetworkError, TransactionError):
            if balance < least:  # some nodes refuse to estimate the gas for an account with that little coin
                raise _ask_for_least(sender, balance, least) from None
            raise
        gas = limit_gas(estimate, extra_gas, fees.block_gas_limit)
        if gas > most_gas:
            raise TooMuchGas(gas, most_gas)
        needed = value + gas * fees.max_fee + read_l1_fee(self._node, len(data) // 2)
        if balance < needed:
            raise InsufficientCoin(sender, balance, needed)
        return {
            **call_params(sender, data, to, value),
            **fees.params(),
            "chainId": self._node.chain_id,
            "gas": gas,
        }

    def readers(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> tuple[Reader, ...]:
        """Return a reader for each read that `build` and the choice of a nonce make, for `Node.read_ahead`."""
        return (
            partial(self._node.read_coin_balance, sender),
            *fee_readers(self._node, len(data) // 2),
            partial(self.simulate, sender, data, to, value),
            partial(self._node.count_sent, sender, "pending"),
        )

    def estimate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None = None, value: int = 0) -> int:
        """Return the gas limit of a transaction without its random part. Two requests. Raises as `build` does."""
        block_gas_limit = read_gas_limit(self._node)
        return add_margin(self.simulate(sender, data, to, value), 0, block_gas_limit)

    def simulate(self, sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> int:
        """Return the gas that a transaction with a price would use now. Mostly one request, see `estimate_priced`.

        Raises TransactionError if the transaction would revert, or a NetworkError.
        """
        return estimate_priced(self._node, call_params(sender, data, to, value))

    # ------------------------------------------------------------------ send

    def send(self, signer: Signer, transaction: TxParams) -> TxReceipt:
        """Sign a transaction, broadcast it, wait for it, and return its receipt.

        The account is locked until the transaction is broadcast.

        Raises as `Chain.send` does. If the transaction is mined and failed, its error is raised.
        """
        with self._accounts.turn(signer.address, self._node.timeout_seconds, self._node.on_progress) as turn:
            nonce = next(find_free_nonces(self._node, signer.address, turn))
            sent = self._hand_over(signer, transaction, nonce, turn)
            if sent is None:
                nonce = max(nonce + 1, next(find_free_nonces(self._node, signer.address, turn)))
                sent = self._hand_over(signer, transaction, nonce, turn)
            if sent is None:
                raise RpcFailed(f"other transactions of {signer.address} took the nonce of this one twice")
        tell(self._node.on_progress, f"Waiting for transaction {sent.hash}")
        receipt = self._await(sent.hash, signer.address, sent.nonce)
        if receipt["status"] == FAILED:
            raise find_reason(self._node, transaction, receipt)
        if receipt["status"] != SUCCEEDED:
            raise OutcomeUnknown(sent.hash, "its receipt has no status")
        return receipt

    def _hand_over(self, signer: Signer, transaction: TxParams, nonce: int, turn: Turn) -> Signed | None:
        """Sign a transaction, note it in the journal, and broadcast it. Return the signed transaction.

        Returns None if a transaction of another program was mined with the nonce. Then the signed transaction can never
        be mined, and the caller may sign another one.

        Raises:
            TransactionReplaced: An earlier transaction of this machine, which the node had lost, was mined with the
                nonce.
            NotSent: The signer signs the same bytes as for an earlier transaction.
            NetworkError: The node refused the transaction.
            OutcomeUnknown: The node does not tell whether it took the transaction.
        """
        complete = cast(TxParams, {**transaction, "nonce": Nonce(nonce)})
        [(_, signed)] = sign_new(signer, [complete], {each.hash for each in turn.sent})
        turn.write_down(nonce, signed.hash, self._node.label)
        parcel = Parcel(signed)
        begin_search = partial(NonceSearch, self._node, signer.address, self._confirmations)
        hand_over(self._asker, [parcel], begin_search, self._node.timeout_seconds)
        if parcel.fate is Fate.TAKEN:
            turn.confirm()
            return signed
        if parcel.fate is Fate.UNKNOWN:
            problem = f"the node answered {quote(parcel.problem)}, and does not show the transaction"
            raise OutcomeUnknown(signed.hash, problem)
        turn.take_back()
        if parcel.fate is Fate.REFUSED and parcel.error is not None:
            raise parcel.error
        if turn.confirm_new(parcel.mined):
            raise TransactionReplaced(signed.hash, signer.address, nonce)
        return None

    # ------------------------------------------------------------------ wait

    def _await(self, transaction_hash: str, address: ChecksumAddress, nonce: int) -> TxReceipt:
        """Wait for the receipt of a broadcast transaction. A lost connection does not end the wait.

        Raises NotMined, TransactionReplaced or OutcomeUnknown if the longest wait is over.
        """
        pauses = Pauses(self._node.timeout_seconds, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
        while True:
            try:
                receipt = self._node.find_receipt(transaction_hash)
                problem = "" if receipt is None else self._doubt(receipt)
                if receipt is not None and not problem:
                    return receipt
            except NetworkError as error:
                problem = str(getattr(error, "reason", error))
            if not pauses.wait():
                raise self._give_up(transaction_hash, address, nonce, problem)

    def _doubt(self, receipt: TxReceipt) -> str:
        """Return why a receipt does not count yet, or an empty text. At most two requests, and none without confirmations.

        One machine of a gateway may show a receipt from a block that the others have replaced.
        """
        number = receipt["blockNumber"]
        if not self._confirmations:
            return ""
        if self._node.read_block().number - number < self._confirmations:
            return describe_shallow(self._confirmations)
        return "" if self._node.read_block(number).hash == write_hash(receipt["blockHash"]) else NOT_IN_CHAIN

    def _give_up(self, transaction_hash: str, address: ChecksumAddress, nonce: int, problem: str) -> Exception:
        """Return the error for a transaction that is not confirmed after the longest wait."""
        if problem:
            return OutcomeUnknown(transaction_hash, problem)
        mined = NonceSearch(self._node, address, self._confirmations).find(nonce)
        if mined == transaction_hash:
            return OutcomeUnknown(transaction_hash, NO_RECEIPT)
        if mined is not None and look_for(self._asker, [transaction_hash]) == [False]:
            return TransactionReplaced(transaction_hash, address, nonce)
        return NotMined(transaction_hash, self._node.timeout_seconds)


def call_params(sender: ChecksumAddress, data: str, to: ChecksumAddress | None, value: int) -> TxParams:
    """Return the fields that a simulated call and its transaction have in common."""
    params = {"from": sender, "value": value, "data": data, **({} if to is None else {"to": to})}
    return cast(TxParams, params)


def limit_gas(estimate: int, extra_gas: int, block_gas_limit: int) -> int:
    """Return the gas limit of a transaction: an estimate with margin and a random part, see `vary_gas`.

    All gas limits of transactions are made here. Raises TooMuchGas as `add_margin` does.
    """
    return vary_gas(add_margin(estimate, extra_gas, block_gas_limit), block_gas_limit)


def add_margin(estimate: int, extra_gas: int, block_gas_limit: int) -> int:
    """Return an estimate with margin, but not more than a transaction or a block may use.

    Raises TooMuchGas if the estimate itself is larger.
    """
    cap = min(MOST_GAS, block_gas_limit)
    if estimate > cap:
        raise TooMuchGas(estimate, cap)
    return min(estimate * (100 + GAS_MARGIN_PERCENT) // 100 + extra_gas, cap)


def _ask_for_least(sender: ChecksumAddress, balance: int, least: int) -> InsufficientCoin:
    """Return the error for an account that has less than the transaction costs at least. The gas is not estimated."""
    missing = format_money(least - balance, *COIN)
    return InsufficientCoin(sender, balance, least).explain(
        "that is the least: the node does not estimate the gas for an account with so little",
        f"send {missing} more to {sender}, and coin for the gas on top of it",
    )
