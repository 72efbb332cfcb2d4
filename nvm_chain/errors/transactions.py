"""Transactions that failed, or whose outcome is unknown, without an error of this package's contracts."""

from typing import Any, Final, Self

from nvm_chain.errors.families import TransactionError
from nvm_chain.errors.fields import Number, Others, PanicCode, Phrase, PlanId, Quantity, RevertData, Seconds

LOOK_UP: Final = (
    "Look the transaction up before you send it again: `nvm-chain transaction {transaction_hash}` in a shell, "
    "`look_up_transaction` in Python."
)


class NotMined(TransactionError):
    """Raised when a transaction that was sent is not mined in time. It may still be mined later."""

    transaction_hash: str
    timeout_seconds: Seconds

    problem = "Transaction {transaction_hash} was not mined within {timeout_seconds}, but may still be mined."
    next_step = LOOK_UP


class OutcomeUnknown(TransactionError):
    """Raised when a transaction was sent, and its outcome is unknown because the connection or the events were lost."""

    transaction_hash: str
    reason: Phrase

    problem = "Transaction {transaction_hash} was sent, but its outcome is unknown: {reason}."
    next_step = LOOK_UP


class TransactionReplaced(TransactionError):
    """Raised when the chain mined another transaction of the sender with the same nonce."""

    transaction_hash: str
    sender: str
    nonce: Number

    problem = (
        "Transaction {transaction_hash} had no effect: the chain mined another transaction of {sender} with nonce "
        "{nonce}."
    )
    next_step = "Look at the other transaction. If you still need this one, send it again."


class TooMuchGas(TransactionError):
    """Raised when a transaction needs more gas than this chain, or its caller, allows for it. Nothing was sent."""

    needed: Number
    cap: Number

    problem = "The transaction needs {needed} gas, but at most {cap} gas are allowed for it. It was not sent."
    next_step = "Send it in smaller parts."


class AccountBusy(TransactionError):
    """Raised when a transaction was not sent, because another program on this machine is sending for the account."""

    sender: str
    waited_seconds: Seconds

    problem = (
        "The transaction was not sent: another program on this machine has been sending for {sender} for "
        "{waited_seconds}."
    )
    next_step = "Wait until the other program is done, or end it. Then send the transaction again."


class NotSent(TransactionError):
    """Raised when a transaction was not sent, because of an earlier transaction of the account, or of the signer."""

    reason: Phrase

    problem = "The transaction was not sent: {reason}."
    next_step = "Look up the earlier transactions. When they are mined or lost, send this one again."


class BatchIncomplete(TransactionError):
    """Raised when a long batch was sent in several transactions, and not all of them are done.

    ``receipt`` is the receipt of the transactions that are done, or None. ``failures`` has the items and the error of
    each other transaction. If the error is NotMined or OutcomeUnknown, the items may still be done.
    """

    done: Quantity
    total: Quantity
    reason: Phrase

    problem = "{done} of {total} items are done. The other items are not done: {reason}."
    next_step = "Look up the transactions of the other items before you send these items again."

    @property
    def receipt(self) -> Any:
        """The receipt of the items that are done, as the function returns it. None if no item is done."""
        return self.__dict__.get("_receipt")

    @property
    def failures(self) -> tuple[tuple[tuple[Any, ...], Exception], ...]:
        """The items and the error of each transaction that is not done."""
        return tuple(self.__dict__.get("_failures", ()))

    def keep(self, receipt: Any, failures: tuple[tuple[tuple[Any, ...], Exception], ...]) -> Self:
        """Store the receipt and the failures. Returns the error."""
        self.__dict__.update(_receipt=receipt, _failures=failures)
        return self


class AgentNotRegistered(TransactionError):
    """Raised when a plan was registered, but its agent was not. The agent's error is the cause."""

    plan_id: PlanId
    became: Phrase
    reason: Phrase

    problem = "The agent was not registered: {reason}. Its plan {plan_id} was already registered, and {became}."
    next_step = "Correct the agent and register it with that plan, or register both again."


class OutOfGas(TransactionError):
    """Raised when a transaction was mined and failed, and the same call succeeds with a higher gas limit."""

    transaction_hash: str

    problem = "Transaction {transaction_hash} failed because it needed more gas than its limit."
    next_step = "Send it again: its gas limit is found anew each time."


class WouldSucceedNow(TransactionError):
    """Raised when a transaction was mined and failed, and the same call succeeds in the state after its block."""

    transaction_hash: str

    problem = "Transaction {transaction_hash} failed, but the same call would succeed now."
    next_step = "Send it again."


class RevertedWithReason(TransactionError):
    """Raised when a contract, such as a token, reverts with a text."""

    reason: Others

    problem = "A contract refused the call: {reason}."
    next_step = "Correct the cause, or ask the operator of the contract."


class RevertedWithoutReason(TransactionError):
    """Raised when a contract reverts without data, or with data that no known error explains."""

    data: RevertData

    problem = "A contract refused the call without a known reason (data {data})."
    next_step = "Check the contract's address and the arguments, or ask the operator of the contract."


class Panicked(TransactionError):
    """Raised when a contract hits a Solidity panic, such as 0x11 for an arithmetic overflow."""

    code: PanicCode

    problem = "A contract failed with Solidity panic code {code}."
    next_step = "If the contract is Credits, report a bug. For any other contract, ask its operator."
