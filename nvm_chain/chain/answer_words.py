"""Decoders for the views of Credits. They are as strict as a general ABI decoder, and 5 to 14 times as fast."""

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress

from nvm_chain.enums import Activation, PlanKind, RedemptionRule
from nvm_chain.errors import AnswerUnreadable
from nvm_chain.types.accounts import Account, Lot
from nvm_chain.types.addresses import format_address

WORD: Final = 32
_TERMS_WORDS: Final = 13
"""The number of words in the terms before the list of splits. The fourth word is the offset of the list."""


def read_words(answer: bytes, what: str) -> list[int]:
    """Split an answer into words of 32 bytes, and return each word as a number.

    ``what`` is the expected content, for the error. Raises AnswerUnreadable if the last word is incomplete.
    """
    if len(answer) % WORD:
        raise _unreadable(what)
    return [int.from_bytes(answer[at : at + WORD]) for at in range(0, len(answer), WORD)]


def decode_time(answer: bytes) -> int:
    """Decode an answer of `accessUntil`: a Unix timestamp. Raises AnswerUnreadable."""
    words = read_words(answer, "a time")
    if len(words) != 1:
        raise _unreadable("a time")
    return words[0]


def decode_account(answer: bytes) -> Account:
    """Decode an answer of `accountOf`. Raises AnswerUnreadable."""
    what = "an account"
    words = read_words(answer, what)
    if len(words) != 4:
        raise _unreadable(what)
    balance, settled, access_until, trial_taken = words
    return Account(balance, settled, access_until, _read_flag(trial_taken, what))


def decode_lots(answer: bytes) -> list[Lot]:
    """Decode an answer of `lotsOf`. Raises AnswerUnreadable."""
    words = read_words(answer, "lots")
    if len(words) < 2 or words[0] != WORD or len(words) != 2 + 2 * words[1]:
        raise _unreadable("lots")
    return [Lot(words[at], words[at + 1]) for at in range(2, len(words), 2)]


def decode_state(answer: bytes) -> tuple[ChecksumAddress, ChecksumAddress, bool, int]:
    """Decode an answer of `stateOf`: owner, pending owner, whether the plan is active, and the fee in basis points.

    Raises AnswerUnreadable.
    """
    what = "the state of a plan"
    words = read_words(answer, what)
    if len(words) != 4:
        raise _unreadable(what)
    owner, pending, active, fee = words
    return (
        _read_address(owner, what),
        _read_address(pending, what),
        _read_flag(active, what),
        _read_uint(fee, 16, what),
    )


def decode_terms(answer: bytes) -> Sequence[Any]:
    """Decode an answer of `termsOf` into the sequence that `parse_terms` takes. Raises AnswerUnreadable."""
    what = "the terms of a plan"
    words = read_words(answer, what)
    if len(words) < 2 + _TERMS_WORDS or words[0] != WORD or words[4] != _TERMS_WORDS * WORD:
        raise _unreadable(what)
    kind, activation, token, _, quoter, external, credits, duration, least, most, rule, trial, transferable = words[
        1:14
    ]
    splits = words[2 + _TERMS_WORDS :]
    if len(splits) != 2 * words[1 + _TERMS_WORDS]:
        raise _unreadable(what)
    return (
        _read_choice(kind, PlanKind, what),
        _read_choice(activation, Activation, what),
        _read_address(token, what),
        [(_read_address(splits[at], what), _read_uint(splits[at + 1], 96, what)) for at in range(0, len(splits), 2)],
        _read_address(quoter, what),
        _read_flag(external, what),
        *(_read_uint(number, 32, what) for number in (credits, duration, least, most)),
        _read_choice(rule, RedemptionRule, what),
        _read_flag(trial, what),
        _read_flag(transferable, what),
    )


def decode_text(answer: bytes) -> str:
    """Decode an answer of `uri`. Raises AnswerUnreadable."""
    try:
        return decode_bytes(answer).decode()
    except UnicodeDecodeError:
        raise _unreadable("a text") from None


def decode_bytes(answer: bytes) -> bytes:
    """Decode an answer of `uri` that anybody may have written, and that may not be text. Raises AnswerUnreadable."""
    words = answer[:WORD], answer[WORD : 2 * WORD]
    end = 2 * WORD + int.from_bytes(words[1])
    if int.from_bytes(words[0]) != WORD or len(answer) != -(-end // WORD) * WORD or any(answer[end:]):
        raise _unreadable("a text")
    return answer[2 * WORD : end]


def _read_uint(word: int, bits: int, what: str) -> int:
    if word >> bits:
        raise _unreadable(what)
    return word


def _read_flag(word: int, what: str) -> bool:
    return _read_uint(word, 1, what) == 1


def _read_choice(word: int, choices: type[IntEnum], what: str) -> int:
    if word >= len(choices):
        raise _unreadable(what)
    return word


def _read_address(word: int, what: str) -> ChecksumAddress:
    return _write_address(_read_uint(word, 160, what))


@lru_cache(maxsize=4096)
def _write_address(word: int) -> ChecksumAddress:
    """Return a word as an address with checksum.

    Answers repeat the same few tokens and owners, so results are cached.
    """
    return format_address(word.to_bytes(20))


def _unreadable(what: str) -> AnswerUnreadable:
    return AnswerUnreadable(f"an answer is not {what}")
