"""Broadcasts of many signed transactions at once. `nvm_chain.chain.broadcast` tells what the node's errors mean."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from nvm_chain.chain.asking_many import Answer, ManyAsker, Question
from nvm_chain.chain.broadcast import Refusal, read_refusal
from nvm_chain.chain.nonce_search import NonceSearch
from nvm_chain.chain.repeating import Pauses
from nvm_chain.chain.signing_many import Signed
from nvm_chain.errors import NvmChainError, RpcFailed

FIRST_LOOK_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 1.0
REFUSAL_SECONDS: Final = 1.5
"""How long a refused transaction is looked for, because the node may have it nevertheless."""
LOOKS: Final = 5
"""The largest number of broadcasts of one transaction while its fate is unknown."""


class Fate(Enum):
    """The fate of a transaction after its broadcast."""

    UNKNOWN = "the node's answers do not tell"
    TAKEN = "the node has the transaction"
    REFUSED = "the node refused the transaction, and does not have it"
    REPLACED = "another transaction was mined with the same nonce"


@dataclass(slots=True)
class Parcel:
    """A signed transaction and its fate.

    ``error`` is the node's last error, and ``problem`` its text. ``mined`` is the hash of the mined transaction
    with the same nonce, if known. ``was_refused_only`` tells whether every broadcast so far was refused.
    ``is_nonce_held`` tells whether the node refused the last one because another transaction with the nonce waits.
    """

    signed: Signed
    fate: Fate = Fate.UNKNOWN
    problem: str = ""
    error: NvmChainError | None = None
    mined: str | None = None
    was_refused_only: bool = True
    is_nonce_held: bool = False

    def hear(self, answer: Answer) -> Refusal | None:
        """Note the node's answer to the broadcast. Return the meaning of its error, or None for a success."""
        if answer.error is None:
            self.fate = Fate.TAKEN
            return None
        self.error, self.problem = answer.error, str(getattr(answer.error, "reason", answer.error))
        meaning = read_refusal(self.problem) if isinstance(answer.error, RpcFailed) else Refusal.SAYS_NOTHING
        if meaning is Refusal.HAS_IT:
            self.fate = Fate.TAKEN
        return meaning

    def set_fate(self, meaning: Refusal | None, *, is_there: bool | None, search: NonceSearch) -> None:
        """Set the fate from the meaning of the node's error, and from whether the node has the transaction.

        The transaction counts as refused if every broadcast so far was refused, and the node never showed the
        transaction.
        """
        if is_there:
            self.fate = Fate.TAKEN
            return
        self.is_nonce_held = meaning is Refusal.NONCE_HELD
        self.was_refused_only &= is_there is False and meaning in (Refusal.CANNOT_TAKE_IT, Refusal.NONCE_HELD)
        if self.was_refused_only:
            self.fate = Fate.REFUSED
        elif meaning is Refusal.NONCE_TAKEN and (mined := search.find(self.signed.nonce)):
            self.mined = mined
            if mined == self.signed.hash:
                self.fate = Fate.TAKEN
            elif is_there is False:  # else another endpoint may have it, and the block of the other may be undone
                self.fate = Fate.REPLACED


def hand_over(
    asker: ManyAsker, parcels: Sequence[Parcel], begin_search: Callable[[], NonceSearch], timeout_seconds: int
) -> None:
    """Broadcast signed transactions until the fate of each is known, at most five times, and set their fates.

    Args:
        asker: The connection to the node.
        parcels: The transactions, in the order of their nonces.
        begin_search: A function that begins a search for mined transactions by their nonces.
        timeout_seconds: The longest time for all broadcasts, in seconds.
    """
    pauses = Pauses(timeout_seconds, FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS)
    for _ in range(LOOKS):
        missing = [parcel for parcel in parcels if parcel.fate is Fate.UNKNOWN]
        answers = asker.ask([broadcast(parcel.signed) for parcel in missing])
        meanings = [parcel.hear(answer) for parcel, answer in zip(missing, answers, strict=True)]
        in_doubt = [pair for pair in zip(missing, meanings, strict=True) if pair[0].fate is Fate.UNKNOWN]
        seen = look_for(asker, [parcel.signed.hash for parcel, _ in in_doubt])
        search = begin_search()
        for (parcel, meaning), is_there in zip(in_doubt, seen, strict=True):
            parcel.set_fate(meaning, is_there=is_there, search=search)
        if all(parcel.fate is not Fate.UNKNOWN for parcel in missing) or not pauses.wait():
            break
    _look_again(asker, [parcel for parcel in parcels if parcel.fate is Fate.REFUSED])


def _look_again(asker: ManyAsker, refused: Sequence[Parcel]) -> None:
    """Look for refused transactions again for a while, and correct their fates.

    A gateway has several machines: one of them may keep a transaction that another one refuses.
    """
    pauses = Pauses(REFUSAL_SECONDS, FIRST_LOOK_SECONDS, LONGEST_PAUSE_SECONDS)
    while refused and pauses.wait():
        for parcel, is_there in zip(refused, look_for(asker, [parcel.signed.hash for parcel in refused]), strict=True):
            if is_there is not False:
                parcel.fate = Fate.TAKEN if is_there else Fate.UNKNOWN
        refused = [parcel for parcel in refused if parcel.fate is Fate.REFUSED]


def look_for(asker: ManyAsker, hashes: Sequence[str]) -> list[bool | None]:
    """Return for each transaction whether the node has it, pending or mined. None if the node does not say.

    Two requests for each transaction, in batches.
    """
    waiting = asker.ask([("eth_getTransactionByHash", (each,)) for each in hashes])
    mined = asker.ask([("eth_getTransactionReceipt", (each,)) for each in hashes])
    return [_is_there(*pair) for pair in zip(waiting, mined, strict=True)]


def _is_there(waiting: Answer, mined: Answer) -> bool | None:
    if waiting.result or mined.result:
        return True
    return None if waiting.error or mined.error else False


def broadcast(signed: Signed) -> Question:
    """Return the request that broadcasts a signed transaction."""
    return "eth_sendRawTransaction", (f"0x{signed.raw.hex()}",)
