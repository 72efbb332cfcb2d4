"""Transactions that wait because their fee is too low: the first one of a key is sent again, with a higher fee."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from eth_account.datastructures import SignedTransaction
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak
from msgspec.structs import replace

from nvm_chain.chain.client import Chain
from nvm_chain.errors.fields import Number
from nvm_chain.meter.settling.opening_transactions import may_send_again
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.store.settlement_notices import note_stuck
from nvm_chain.meter.store.settlements import Settlement, SettlementState, note_signed, read_clock
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer

STUCK_BLOCKS: Final = 2
"""How many blocks have to pass a transaction by. While the chain makes no blocks, a higher fee changes nothing."""


@dataclass(frozen=True, slots=True)
class ReplacingSigner:
    """Signs the replacement of a transaction, and writes it into the books before anybody can send it."""

    signer: Signer
    writer: Writer
    replaced: Settlement
    guard: Callable[[], None]

    @property
    def address(self) -> ChecksumAddress:
        """The signer's address."""
        return self.signer.address

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Sign the replacement, and return it when it is in the books. Raises SecondSettler or IndexFailure."""
        self.guard()
        signed = self.signer.sign_transaction(transaction_dict)
        raw = bytes(signed.raw_transaction)
        new = replace(self.replaced, hash=f"0x{keccak(raw).hex()}", raw=raw, block_number=0)
        self.writer.run(lambda store: note_signed(store, new))
        return signed


def find_stuck(known: Iterable[Settlement], address: ChecksumAddress, used: Number) -> Settlement | None:
    """Return the transaction of a key that the key's later ones wait for, and of its replacements the latest one.

    Args:
        known: The transactions in the books that are not final.
        address: The key.
        used: How many nonces of the key are mined.
    """
    waiting = [
        each for each in known if (each.redeemer, each.nonce, each.state) == (address, used, SettlementState.OPEN)
    ]
    return max(waiting, key=lambda each: each.signed_at, default=None)


def replace_stuck(
    chain: Chain,
    signer: Signer,
    writer: Writer,
    rules: SettleRules,
    known: Iterable[Settlement],
    guard: Callable[[], None],
) -> str | None:
    """Send the transaction again that a key waits for, if it has waited long enough. The totals stay the same.

    Both transactions are in the books, and whichever is mined counts.

    Args:
        chain: The connection to the chain.
        signer: The key.
        writer: The books.
        rules: How long a transaction may wait, and how high its fee may become.
        known: The transactions in the books that are not final.
        guard: Called before a transaction is signed. It raises an error if this process may not send.

    Returns:
        The hash of the new transaction, or None if nothing was sent.

    Raises:
        SecondSettler: Another process settles with the key.
        NetworkError: The node does not give a usable answer.
        IndexFailure: The books cannot be read or written.
    """
    if not (known := list(known)):
        return None
    stuck = find_stuck(known, signer.address, chain.count_sent(signer.address, "latest"))
    if stuck is None or writer.run(read_clock) - stuck.signed_at < rules.stuck_seconds:
        return None
    if chain.read_block().number - stuck.block_number < STUCK_BLOCKS or not may_send_again(chain, stuck):
        return None
    replacing = ReplacingSigner(signer, writer, stuck, guard)
    waiting = stuck
    writer.run(lambda store: note_stuck(store, waiting))
    return chain.replace_transaction(replacing, stuck.raw, max_percent=rules.max_fee_percent)
