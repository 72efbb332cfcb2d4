"""What the views of Credits return, read word by word: a tenth of the time of a general decoder, and as strict as one."""

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
"""Of which the fourth says where the splits are: right behind them all."""


def read_words(answer: bytes, what: str) -> list[int]:
    """Return the numbers of an answer that is whole words. ``what`` says in the error what it should be."""
    if len(answer) % WORD:
        raise _unreadable(what)
    return [int.from_bytes(answer[at : at + WORD]) for at in range(0, len(answer), WORD)]


def decode_time(answer: bytes) -> int:
    """Return what `accessUntil` returned: a Unix timestamp. Raises AnswerUnreadable."""
    words = read_words(answer, "a time")
    if len(words) != 1:
        raise _unreadable("a time")
    return words[0]


def decode_account(answer: bytes) -> Account:
    """Return what `accountOf` returned. Raises AnswerUnreadable."""
    what = "an account"
    words = read_words(answer, what)
    if len(words) != 4:
        raise _unreadable(what)
    balance, settled, access_until, trial_taken = words
    return Account(balance, settled, access_until, _read_flag(trial_taken, what))


def decode_lots(answer: bytes) -> list[Lot]:
    """Return what `lotsOf` returned. Raises AnswerUnreadable."""
    words = read_words(answer, "lots")
    if len(words) < 2 or words[0] != WORD or len(words) != 2 + 2 * words[1]:
        raise _unreadable("lots")
    return [Lot(words[at], words[at + 1]) for at in range(2, len(words), 2)]


def decode_state(answer: bytes) -> tuple[ChecksumAddress, ChecksumAddress, bool, int]:
    """Return what `stateOf` returned: owner, pending owner, whether active, and the fee in basis points. Raises AnswerUnreadable."""
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
    """Return what `termsOf` returned, as the fields that `parse_terms` takes. Raises AnswerUnreadable."""
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
    """Return what `uri` returned. Raises AnswerUnreadable."""
    what, words = "a text", (answer[:WORD], answer[WORD : 2 * WORD])
    length = int.from_bytes(words[1])
    end = 2 * WORD + length
    if int.from_bytes(words[0]) != WORD or len(answer) != -(-end // WORD) * WORD or any(answer[end:]):
        raise _unreadable(what)
    try:
        return answer[2 * WORD : end].decode()
    except UnicodeDecodeError:
        raise _unreadable(what) from None


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
    """Return the address that a word stands for. The same tokens and owners come again and again."""
    return format_address(word.to_bytes(20))


def _unreadable(what: str) -> AnswerUnreadable:
    return AnswerUnreadable(f"an answer is not {what}")
