"""Texts of others on pages and in messages: what they say can be seen, and covers nothing else."""

from unicodedata import normalize

import pytest

from nvm_chain.errors.formatting import MOST_MARKS, clean
from nvm_chain.gateway.foreign_text import UNNAMED, write_foreign


@pytest.mark.parametrize("mark", ["\u0301", "\u0323", "\u20dd", "\u0e47", "\u0489"])
def test_clean__of_a_tower_of_marks__keeps_a_few(mark: str) -> None:
    """Marks stack. A hundred of them on one letter of a plan's name would cover the price and the terms below it."""
    assert clean(f"Te{mark * 100}a") == f"Te{mark * MOST_MARKS}a"


@pytest.mark.parametrize("text", ["Trần Hưng Đạo", "ที่นี่", "שָׁלוֹם", "مُحَمَّد", "हिन्दी", "Ǘ"])
def test_clean__of_a_language_with_marks__keeps_it(text: str) -> None:
    decomposed = normalize("NFD", text)
    assert clean(text) == text
    assert clean(decomposed) == decomposed


@pytest.mark.parametrize("name", ["\u3164", "\u2800\u2800", "\u115f \u1160", "\uffa0", "\u200b\u200d", "\u0301", ""])
def test_name__of_which_nothing_can_be_seen__is_written_in_words(name: str) -> None:
    assert write_foreign(name) == f"<bdi>{UNNAMED}</bdi>"


@pytest.mark.parametrize("name", ["7", "$", "茶", "☕", "?"])
def test_name__of_one_sign__is_shown(name: str) -> None:
    assert write_foreign(name) == f"<bdi>{name}</bdi>"
