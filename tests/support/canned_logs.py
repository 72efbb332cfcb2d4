"""Logs of a busy deployment as a node would send them: made up, true to the contract's rules, and the same each time.

A block has ten to thirty logs. Of a hundred logs about sixty are transfers of credits: half of them are settlements of many
holders, and the others are redemptions and orders.
"""

import hashlib
import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from eth_abi.abi import encode

from nvm_chain.index.kinds import EventKind
from nvm_chain.index.logs import AGENTS_TOPICS, CREDITS_TOPICS, Contracts
from nvm_chain.types.addresses import format_address
from nvm_chain.types.events import Block

CHAIN_ID: Final = 31337
START: Final = 1_750_000_000
BLOCK_SECONDS: Final = 2
TERMS: Final = "(uint8,uint8,address,(address,uint96)[],address,bool,uint32,uint32,uint32,uint32,uint8,bool,bool)"
CONTRACTS: Final = Contracts(format_address(b"\xc5" * 20), format_address(b"\xa6" * 20))
PRICE: Final = 20_000_000
_TOPICS: Final = {
    EventKind(kind): topic for topics in (CREDITS_TOPICS, AGENTS_TOPICS) for topic, kind in topics.items()
}
_NOBODY: Final = 0


class CannedBlock(NamedTuple):
    """A block, and its logs as JSON values."""

    block: Block
    logs: list[dict[str, Any]]


def word(value: int) -> str:
    """Return a number as a topic."""
    return f"0x{value:064x}"


def address_of(name: str) -> int:
    """Return the address that a name stands for."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:20])


def hash_of(*parts: object) -> str:
    """Return the hash that some values stand for."""
    return f"0x{hashlib.sha256(repr(parts).encode()).hexdigest()}"


class LogWriter:
    """A block in the making: each event gets the next index, and the transaction that is open."""

    def __init__(self, number: int, salt: object = "", time: int | None = None) -> None:
        """Begin a block. Blocks with another ``salt`` have another hash."""
        second = START + number * BLOCK_SECONDS if time is None else time
        self.block = Block(number, hash_of("block", number, salt), second)
        self.logs: list[dict[str, Any]] = []
        self._transaction = ""
        self.begin()

    def begin(self) -> None:
        """Begin a transaction."""
        self._transaction = hash_of("transaction", self.block.hash, len(self.logs))

    def emit(self, kind: EventKind, topics: tuple[int, ...], data: bytes | tuple[int, ...]) -> None:
        """Add an event. ``topics`` are those after the first, and ``data`` is bytes, or words."""
        content = data if isinstance(data, bytes) else b"".join(value.to_bytes(32) for value in data)
        self.logs.append(
            {
                "address": (CONTRACTS.agents if kind.is_of_agents else CONTRACTS.credits or "").lower(),  # type: ignore[union-attr]
                "topics": [_TOPICS[kind], *map(word, topics)],
                "data": f"0x{content.hex()}",
                "blockNumber": hex(self.block.number),
                "blockHash": self.block.hash,
                "blockTimestamp": hex(self.block.timestamp),
                "transactionHash": self._transaction,
                "transactionIndex": "0x0",
                "logIndex": hex(len(self.logs)),
                "removed": False,
            }
        )

    def move(self, operator: int, sender: int, receiver: int, plan: int, amount: int) -> None:
        """Add the transfer of credits."""
        self.emit(EventKind.TransferSingle, (operator, sender, receiver), (plan, amount))

    def register(self, plan: int, creator: int, terms: tuple[Any, ...], uri: str = "ipfs://plan", fee: int = 0) -> None:
        """Add the registration of a plan."""
        data = encode([TERMS, "bytes32", "uint16"], [terms, bytes(32), fee])
        self.emit(EventKind.PlanRegistered, (plan, creator), data)
        self.emit(EventKind.URI, (plan,), encode(["string"], [uri]))

    @property
    def canned(self) -> CannedBlock:
        """The block as it is."""
        return CannedBlock(self.block, self.logs)


def credits_terms(price: int = PRICE, credits: int = 1000, duration: int = 0) -> tuple[Any, ...]:
    """Return the terms of a plan of credits."""
    token, builder = format_address(b"\x05" * 20), format_address(b"\xb1" * 20)
    return (
        0,
        0,
        token,
        [(builder, price)],
        format_address(bytes(20)),
        False,
        credits,
        duration,
        1,
        10,
        1,
        False,
        False,
    )


def write_busy_blocks(count: int, *, plans: int = 20, holders: int = 400, seed: int = 1) -> Iterator[CannedBlock]:
    """Yield blocks until about ``count`` logs are out. The first block registers the plans, of which a tenth expire."""
    rng, made = random.Random(seed), 0
    ids = [int(hash_of("plan", number), 16) for number in range(plans)]
    people = [address_of(f"holder {number}") for number in range(holders)]
    balances: dict[tuple[int, int], int] = {}
    builder = address_of("builder")
    first = LogWriter(1)
    for number, plan in enumerate(ids):
        first.register(plan, builder, credits_terms(duration=365 * 86_400 if number % 10 == 0 else 0))
    yield first.canned
    number, made = 2, len(first.logs)
    while made < count:
        writer = LogWriter(number)
        while len(writer.logs) < 20:
            _do_something(writer, rng, rng.choice(ids), people, balances, builder)
        made += len(writer.logs)
        yield writer.canned
        number += rng.choice((1, 1, 1, 5))


def _do_something(
    writer: LogWriter,
    rng: random.Random,
    plan: int,
    people: list[int],
    balances: dict[tuple[int, int], int],
    builder: int,
) -> None:
    writer.begin()
    holder, choice = rng.choice(people), rng.random()
    balance = balances.get((plan, holder), 0)
    if choice < 0.3 or not balance:
        balances[plan, holder] = balance + 1000
        writer.move(holder, _NOBODY, holder, plan, 1000)
        writer.emit(EventKind.Ordered, (plan, holder, holder), (1, PRICE))
    elif choice < 0.85:
        balances[plan, holder] = balance - 1
        writer.move(builder, holder, _NOBODY, plan, 1)
        writer.emit(EventKind.Redeemed, (plan, holder, builder), (1, rng.getrandbits(256)))
    else:
        _settle(writer, rng, plan, [each for each in rng.sample(people, 30) if balances.get((plan, each))], balances)


def _settle(
    writer: LogWriter, rng: random.Random, plan: int, holders: list[int], balances: dict[tuple[int, int], int]
) -> None:
    total, redeemer = 0, address_of("builder")
    for holder in holders:
        amount = rng.randint(1, balances[plan, holder])
        balances[plan, holder] -= amount
        total += amount
        writer.move(redeemer, holder, _NOBODY, plan, amount)
    writer.emit(EventKind.Settled, (plan, redeemer), (len(holders), total))
