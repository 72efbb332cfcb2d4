"""Tills: threads that take payments on the chain, each with a connection of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from nvm_chain.chain.client import Chain
from nvm_chain.gateway.checkout.desks import Desk
from nvm_chain.gateway.checkout.relays import MOST_GAS
from nvm_chain.meter.store.writer import Writer
from nvm_chain.signing.keys import Signer
from nvm_chain.x402.settling.transfers import TransferRules, Transfers

THREADS: Final = 16
MOST_WAITING: Final = 256
"""How many payments may be sent or wait at the same time. Whoever comes later is told to come again."""
BUSY: Final = "Too many payments are being made at the moment. Send the same payment again in a few seconds."


@dataclass(frozen=True, slots=True)
class Till:
    """What one thread takes payments with. An order may use more gas than a transfer."""

    chain: Chain
    transfers: Transfers
    orders: Transfers


class Tills(Desk[Till]):
    """Takes payments in threads. What they do never takes a thread from the requests to services."""

    def __init__(self, connect: Callable[[], Chain], signer: Signer, writer: Writer) -> None:
        """Take the key that pays the gas, and the books. Nothing connects before the first payment."""

        def open_till() -> Till:
            chain = connect()
            orders = Transfers(chain, signer, writer, TransferRules(most_gas=MOST_GAS))
            return Till(chain, Transfers(chain, signer, writer), orders)

        super().__init__(open_till, threads=THREADS, most_waiting=MOST_WAITING, busy=BUSY)
