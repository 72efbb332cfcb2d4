"""Handing many signed transactions over at once, by the rules of `nvm_chain.chain.broadcast` for each of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.chain.asking_many import Answer, ManyAsker, Question
from nvm_chain.chain.broadcast import Refusal, read_refusal
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.signing_many import Signed
from nvm_chain.errors import NvmChainError, RpcFailed

FIRST_LOOK_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 1.0
REFUSAL_SECONDS: Final = 1.5
"""How long what was refused has to stay away before it counts as refused."""
LOOKS: Final = 5
"""How often a node is given a transaction whose fate its answers do not tell."""


class Fate(Enum):
    """What is known of a transaction after it was handed over."""

    UNKNOWN = "nobody can tell"
    TAKEN = "the node has it"
    REFUSED = "the node refused it, and does not have it"
    REPLACED = "another transaction was mined with its nonce"


@dataclass(slots=True)
class Parcel:
    """A transaction that is handed over, and what became of it. ``mined`` is the hash of what took its nonce."""

    signed: Signed
    fate: Fate = Fate.UNKNOWN
    problem: str = ""
    error: NvmChainError | None = None
    mined: str | None = None
    was_refused_only: bool = True

    def hear(self, answer: Answer) -> Refusal | None:
        """Take the node's answer, and return what it means, or None where it took the transaction."""
        if answer.error is None:
            self.fate = Fate.TAKEN
            return None
        self.error, self.problem = answer.error, str(getattr(answer.error, "reason", answer.error))
        meaning = read_refusal(self.problem) if isinstance(answer.error, RpcFailed) else Refusal.SAYS_NOTHING
        if meaning is Refusal.HAS_IT:
            self.fate = Fate.TAKEN
        return meaning

    def settle(
        self, meaning: Refusal | None, *, is_there: bool | None, find_mined: Callable[[int], str | None]
    ) -> None:
        """Decide after a look at the node. A refusal is believed if every answer so far was one, and the node does not show it."""
        if is_there:
            self.fate = Fate.TAKEN
            return
        self.was_refused_only &= is_there is False and meaning is Refusal.CANNOT_TAKE_IT
        if self.was_refused_only:
            self.fate = Fate.REFUSED
        elif meaning is Refusal.NONCE_TAKEN and (mined := find_mined(self.signed.nonce)):
            self.mined = mined
            self.fate = Fate.TAKEN if mined == self.signed.hash else Fate.REPLACED


def hand_over(
    asker: ManyAsker, parcels: Sequence[Parcel], find_mined: Callable[[int], str | None], timeout_seconds: int
) -> None:
    """Give signed transactions to a node in their order, until each one's fate is known or it was given five times.

    Args:
        asker: What asks the node.
        parcels: The transactions, in the order of their nonces. Their fates are set.
        find_mined: Returns the hash of what was mined with a nonce, or None where the node does not show it.
        timeout_seconds: How long to go on.
    """
    pauses = Pauses(timeout_seconds, FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS)
    for _ in range(LOOKS):
        missing = [parcel for parcel in parcels if parcel.fate is Fate.UNKNOWN]
        answers = asker.ask([broadcast(parcel.signed) for parcel in missing])
        meanings = [parcel.hear(answer) for parcel, answer in zip(missing, answers, strict=True)]
        in_doubt = [pair for pair in zip(missing, meanings, strict=True) if pair[0].fate is Fate.UNKNOWN]
        seen = look_for(asker, [parcel.signed.hash for parcel, _ in in_doubt])
        for (parcel, meaning), is_there in zip(in_doubt, seen, strict=True):
            parcel.settle(meaning, is_there=is_there, find_mined=find_mined)
        if all(parcel.fate is not Fate.UNKNOWN for parcel in missing) or not pauses.wait():
            break
    _look_again(asker, [parcel for parcel in parcels if parcel.fate is Fate.REFUSED])


def _look_again(asker: ManyAsker, refused: Sequence[Parcel]) -> None:
    """Believe refusals only if the transactions stay away: one machine of a gateway may keep what another one refuses."""
    pauses = Pauses(REFUSAL_SECONDS, FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS)
    while refused and pauses.wait():
        for parcel, is_there in zip(refused, look_for(asker, [parcel.signed.hash for parcel in refused]), strict=True):
            if is_there is not False:
                parcel.fate = Fate.TAKEN if is_there else Fate.UNKNOWN
        refused = [parcel for parcel in refused if parcel.fate is Fate.REFUSED]


def look_for(asker: ManyAsker, hashes: Sequence[str]) -> list[bool | None]:
    """Return of each transaction whether the node has it, waiting or mined; None where it does not say. Two requests each."""
    waiting = asker.ask([("eth_getTransactionByHash", (each,)) for each in hashes])
    mined = asker.ask([("eth_getTransactionReceipt", (each,)) for each in hashes])
    return [_is_there(*pair) for pair in zip(waiting, mined, strict=True)]


def _is_there(waiting: Answer, mined: Answer) -> bool | None:
    if waiting.result or mined.result:
        return True
    return None if waiting.error or mined.error else False


def broadcast(signed: Signed) -> Question:
    """Return the request that gives a transaction to a node."""
    return "eth_sendRawTransaction", (f"0x{signed.raw.hex()}",)
