"""What the words of a node mean for the transaction that it was given."""

import pytest

from nvm_chain.chain.broadcast import Refusal, read_refusal


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("already known", Refusal.HAS_IT),
        ("Known transaction: 0x12", Refusal.HAS_IT),
        ("ALREADY IMPORTED", Refusal.HAS_IT),
        ("unknown transaction", Refusal.SAYS_NOTHING),
        ("that is an unknown transaction to me", Refusal.SAYS_NOTHING),
        ("unknown transaction type", Refusal.CANNOT_TAKE_IT),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TAKEN),
        ("Nonce is too low", Refusal.NONCE_TAKEN),
        ("insufficient funds for gas * price + value", Refusal.CANNOT_TAKE_IT),
        ("replacement transaction underpriced", Refusal.NONCE_HELD),
        ("could not replace existing tx", Refusal.NONCE_HELD),
        ("ReplacementNotAllowed", Refusal.NONCE_HELD),
        ("transaction underpriced: gas tip cap 0", Refusal.CANNOT_TAKE_IT),
        ("request timed out", Refusal.SAYS_NOTHING),
        ("", Refusal.SAYS_NOTHING),
    ],
)
def test_read_refusal__of_the_words_of_a_node__says_no_more_than_they_do(words: str, meaning: Refusal) -> None:
    assert read_refusal(words) is meaning
