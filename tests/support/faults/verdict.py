"""The state of the chain after a run, and whether the caller was told the truth about it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from eth_abi.abi import encode

from nvm_chain.errors import NotMined, NvmChainError, OutcomeUnknown
from nvm_chain.operations.transactions import TransactionStatus, look_up_transaction
from tests.support.events import selector
from tests.support.faults.behind_the_proxy import ask_all
from tests.support.faults.calls import Call, Scene
from tests.support.faults.stage import Stage

Done: TypeAlias = tuple[Any, ...]
"""A successful transaction: sender, receiver, whether it created a contract, and its events."""
BLOCKS: Final = 8
"""A number of blocks that a call and its repetition do not reach."""
APPROVAL: Final = "0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925"


@dataclass(frozen=True)
class Truth:
    """The changes of the chain since its preparation."""

    done: tuple[Done, ...]
    coins: int
    """The coin balance of an account that pays for nothing."""
    allowance: int
    """The subscriber's allowance for Credits."""

    @property
    def deeds(self) -> tuple[Done, ...]:
        """The transactions without approvals. An approval may come before an order or with it."""
        rest = [(*each[:3], tuple(log for log in each[3] if log[1] != APPROVAL)) for each in self.done if each[3]]
        return tuple(each for each in (*rest, *(each for each in self.done if not each[3])) if each[3] or each[2])


@dataclass(frozen=True)
class Calm:
    """The outcome of a call on a node without faults: the names of its requests, and its effects."""

    labels: list[str]
    result: Any
    before: Truth
    after: Truth


@dataclass(frozen=True)
class Told:
    """The result or the error that the caller got."""

    result: Any = None
    error: BaseException | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the error tells the caller to look a transaction up."""
        return isinstance(self.error, NotMined | OutcomeUnknown)

    @property
    def word(self) -> str:
        """The outcome in a word."""
        return "done" if self.error is None else "unknown" if self.is_unknown else "refused"

    @property
    def notes(self) -> list[str]:
        """The notes on the error."""
        return [note for note in getattr(self.error, "__notes__", []) if not note.startswith("See `")]


@dataclass
class Verdict:
    """The mistakes in a run."""

    wrong: list[str] = field(default_factory=list)

    def require(self, holds: bool, words: str) -> None:
        """Note a mistake if a condition does not hold."""
        if not holds:
            self.wrong.append(words)


def read_truth(stage: Stage) -> Truth:
    """Read the changes of the chain in one batch of requests past the proxy."""
    world = stage.world
    pair = encode(["address", "address"], [world.subscriber.address, world.credits.address]).hex()
    allowance = {"to": world.usdc.address, "data": "0x" + selector("allowance(address,address)").hex() + pair}
    asked: list[tuple[str, list[Any]]] = [
        *(("eth_getBlockReceipts", [hex(stage.block + 1 + number)]) for number in range(stage.empty_blocks + BLOCKS)),
        ("eth_getBalance", [world.fee_receiver.address, "latest"]),
        ("eth_call", [allowance, "latest"]),
    ]
    *blocks, coins, allowed = ask_all(stage, asked)
    receipts = [receipt for block in blocks for receipt in block or [] if receipt["status"] == "0x1"]
    return Truth(
        tuple(map(_describe, receipts)), int(coins, 16), int(f"{allowed}0" if allowed == "0x" else allowed, 16)
    )


def _describe(receipt: dict[str, Any]) -> Done:
    created = receipt["contractAddress"]
    logs = [
        ("" if log["address"] == created else log["address"], *log["topics"], log["data"]) for log in receipt["logs"]
    ]
    return (receipt["from"], receipt["to"], created is not None, tuple(logs))


def judge_write(call: Call, scene: Scene, told: Told, sent: Sequence[str], calm: Calm, now: Truth) -> Verdict:
    """Compare the result or error that the caller got with the state of the chain.

    Args:
        call: The call.
        scene: The arguments of the call.
        told: The result or the error that the caller got.
        sent: The hashes of the signed and broadcast transactions.
        calm: The outcome of the call on a node without faults.
        now: The state after the run.
    """
    verdict, before, true = Verdict(), calm.before, calm.after
    verdict.require(told.error is None or isinstance(told.error, NvmChainError), f"raised {told.error!r}")
    repeated = [each for each in now.deeds if now.deeds.count(each) > true.deeds.count(each)]
    verdict.require(not repeated, f"done more than once, or not what was asked for: {repeated}")
    verdict.require(now.coins - before.coins <= true.coins - before.coins, "paid more coin than asked for")
    if call.is_many and told.error is None:
        _judge_each(verdict, told.result, sent, true, now)
        return verdict
    if told.error is None:
        verdict.require(
            (now.deeds, now.coins, now.allowance) == (true.deeds, true.coins, true.allowance),
            f"told done, and it is not: {now}",
        )
        return verdict
    if told.is_unknown:
        _judge_unknown(verdict, scene, told, sent, true, now)
    else:
        is_written_down = call.parts_told is not None and call.parts_told(scene)
        verdict.require(not now.deeds or is_written_down, f"told {told.error!r}, and it was done: {now.deeds}")
        verdict.require(now.coins == before.coins, "told refused, and coin was paid")
    is_changed = now.allowance != before.allowance and now.deeds != true.deeds
    verdict.require(not is_changed or bool(told.notes), f"an approval stands without a note: {told.error!r}")
    return verdict


def _judge_each(verdict: Verdict, outcomes: Sequence[object], sent: Sequence[str], true: Truth, now: Truth) -> None:
    """Judge the outcomes of many transactions."""
    for deed, outcome in zip(true.deeds, outcomes, strict=True):
        error = outcome if isinstance(outcome, Exception) else getattr(outcome, "error", None)
        if isinstance(error, NotMined | OutcomeUnknown):
            verdict.require(error.transaction_hash in sent, f"told a hash that was not sent: {error!r}")
        else:
            verdict.require((error is None) == (deed in now.deeds), f"told {error!r} of {deed}")


def _judge_unknown(verdict: Verdict, scene: Scene, told: Told, sent: Sequence[str], true: Truth, now: Truth) -> None:
    """Judge the transaction hash that the caller got: look it up on a node without faults."""
    transaction_hash = getattr(told.error, "transaction_hash", "")
    if transaction_hash not in sent:
        verdict.require(False, f"told a hash that was not sent: {told.error!r}")
        return
    found = look_up_transaction(scene.stage.connect(past_the_proxy=True), transaction_hash)
    if found.status is TransactionStatus.DONE:
        verdict.require(bool(now.done), "looked up as done, and nothing was done")
    elif found.status is not TransactionStatus.PENDING:
        verdict.require(now.done != true.done, f"looked up as {found.status}, and it was done")


def judge_again(call: Call, told: Told, again: Told, true: Truth, now: Truth) -> Verdict:
    """Judge a repetition of the call on a node without faults, after a refusal, or if it can be paid only once."""
    verdict = Verdict()
    accepted = call.repeats or ()
    fine = again.error is None or isinstance(again.error, accepted)
    verdict.require(fine, f"made again after {told.error!r}: {again.error!r}")
    total = (Counter(now.deeds), now.coins)
    verdict.require(total == (Counter(true.deeds), true.coins), f"made again after {told.error!r}: {now.deeds}")
    return verdict
