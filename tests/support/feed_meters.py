"""A feed without threads on a real index, beside books in memory and accounts as the chain itself says."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from nvm_chain.enums import PlanKind
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.view import ViewReader
from nvm_chain.index.watching import Watch
from nvm_chain.meter.books import Account
from nvm_chain.meter.feed.bringing import Bringer
from nvm_chain.meter.feed.watcher import Told
from nvm_chain.meter.store.group_rows import AccountKey
from tests.support.feed_books import MemoryBooks, MemoryWindows
from tests.support.feed_reference import Reference, describe
from tests.support.world import World

DEPTH = 3


class Meter:
    """A feed without threads on a real index, its books, and what the chain says."""

    def __init__(self, world: World, index: Index, keys: Sequence[AccountKey], depth: int = DEPTH) -> None:
        self.world, self.index, self.keys, self.depth = world, index, keys, depth
        self.redeemers = [world.builder.address]
        self.books, self.windows = MemoryBooks(), MemoryWindows()
        self.reference = Reference(world, keys, self.redeemers, depth)
        self.wanted = set[AccountKey]()
        self.met: Counter[str] = Counter()
        self.sync()
        self.begin()

    def begin(self) -> None:
        """Start the feed, or start it again."""
        plans = {key.plan_id for key in self.keys}
        self.bringer = Bringer(plans, self.redeemers, self.depth, self.books, self.windows)
        self.watch = Watch(ViewReader(self.index, [], 1), plans)

    def restart(self) -> None:
        """Let the feed begin anew, with the same books."""
        self.watch.close()
        self.begin()

    def account(self, key: AccountKey) -> Account:
        """Return an account of the books."""
        return self.books.account(key)

    def read(self, key: AccountKey) -> dict[str, int]:
        """Let the feed bring all to the head, and return the numbers of an account."""
        self.sync()
        self.look()
        return describe(self.account(key), self.now)

    @property
    def now(self) -> int:
        return self.books.group.now

    def sync(self) -> None:
        """Bring the index to the chain's head, and the time with it.

        A chain that is shorter than the index looks like a node that lags, so it gets as long first.
        """
        before = self.index.state.head
        while before is not None and self.world.chain.read_block().number < before.number:
            self.world.mine_at(self.world.now + 1)
        Follower(self.world.chain, self.index, waits=True).sync()
        head = self.index.state.head
        assert head is not None
        self.books.group.now = max(self.now, head.timestamp)

    def look(self) -> None:
        """Let the feed see what changed in the index."""
        view = self.watch.look()
        changed = frozenset[AccountKey]() if view is None else frozenset(AccountKey(*key) for key in view.accounts)
        self.bringer.take(Told(None if view is None else view.block, changed, self.now))
        known = self.books.group.accounts.keys() | self.windows.windows.keys()
        assert not self.bringer.bring(self.index, self.wanted - known)
        self.bringer.note_head()

    def check(self) -> None:
        """Follow the chain, and compare each account with the chain."""
        self.sync()
        self.look()
        self.reference.follow(self.now)
        assert self.books.head == self.reference.head
        for key in self.wanted:
            if self.reference.terms[key.plan_id].kind is PlanKind.TIME:
                assert self.windows.windows[key].least_until == self.reference.windows[key].least_until, key
            else:
                found, expected = self.books.account(key), self.reference.accounts[key]
                numbers = describe(expected, self.now)
                assert describe(found, self.now) == numbers, key
                self.met.update(name for name, number in numbers.items() if number > 0)
        self.met["rolled back"] = sum(change.rolls_back for change in self.books.seen)

    def charge(self, rng: random.Random) -> None:
        """Charge some of what is available, in the books and in the reference."""
        for key in sorted(self.wanted):
            available = self.books.account(key).find_available(self.now)
            if available > 0 and rng.random() < 0.7 and self.reference.terms[key.plan_id].kind is PlanKind.CREDITS:
                cost = rng.randint(1, available)
                self.books.charge(key, cost)
                self.reference.charge(key, cost, self.now)


@contextmanager
def metering(world: World, url: str, keys: Sequence[AccountKey], depth: int = DEPTH) -> Iterator[Meter]:
    """Open an index of the world, and run a meter on it."""
    origin: dict[str, Any] = {"chain_id": world.chain.chain_id, "credits": world.credits.address}
    with closing(open_index(url, create=True, **origin)) as index:
        meter = Meter(world, index, keys, depth)
        yield meter
        meter.watch.close()
