"""Accounts as the chain itself says: a view of each single block, read from the contract and from events, without an index."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nvm_chain.meter.books import Account
from nvm_chain.meter.store.group_rows import AccountKey
from nvm_chain.meter.view_changes import replace_view, roll_back
from nvm_chain.meter.views import Lot, View
from nvm_chain.meter.windows import WindowAccount, WindowView, replace_window, roll_back_window
from nvm_chain.operations.plans import read_terms
from nvm_chain.types.events import Block
from tests.support.feed_books import charge_at_once
from tests.support.world import ZERO, World


class Reference:
    """The accounts of some holders on credits plans and time plans, after each block since ``began``.

    Before that block, nobody has credits.
    """

    def __init__(self, world: World, keys: Sequence[AccountKey], redeemers: Sequence[str], depth: int) -> None:
        self.world, self.depth, self.redeemers = world, depth, redeemers
        self.terms = {key.plan_id: read_terms(world.chain, key.plan_id) for key in keys}
        head = world.chain.read_block()
        self.blocks = {head.number: head}
        self.views: dict[AccountKey, dict[int, View]] = {key: {head.number: _empty(head)} for key in keys}
        self.accounts = {key: Account(*key) for key in keys}
        self.windows = {key: WindowAccount(*key) for key in keys}
        for key in keys:
            self.accounts[key] = replace_view(self.accounts[key], _empty(head), depth=depth, now=0)
            self.windows[key] = replace_window(self.windows[key], WindowView(head.number, 0), depth=depth)

    @property
    def head(self) -> Block:
        """The latest block that was seen."""
        return self.blocks[max(self.blocks)]

    def follow(self, now: int) -> None:
        """See all blocks up to the latest one, each by itself, after those that were replaced are taken back."""
        common, before = self._find_common(), self.head.number
        latest = self.world.chain.read_block()
        taken = read_taken(self.world, self.redeemers)
        if common < before:
            self._roll_back(common, now)
        for number in range(common + 1, latest.number + 1):
            found = self.world.chain.web3.eth.get_block(number)
            block = self.blocks[number] = Block(number, found["hash"].to_0x_hex(), found["timestamp"])
            for key in self.accounts:
                last = self.views[key][number - 1]
                if found["transactions"]:
                    self._see(key, self._read(key, block, last, taken.get(key, [])), now)
                else:
                    self._see(key, (_pass_time(last, block), self.windows[key].past[-1].access_until), now)

    def charge(self, key: AccountKey, cost: int, now: int) -> None:
        """Charge some credits, whether or not there are any."""
        self.accounts[key] = charge_at_once(self.accounts[key], cost, now)

    def _find_common(self) -> int:
        latest = self.world.chain.read_block()
        return max(
            number
            for number, block in self.blocks.items()
            if number <= latest.number and self.world.chain.read_block(number).hash == block.hash
        )

    def _roll_back(self, common: int, now: int) -> None:
        for number in [number for number in self.blocks if number > common]:
            del self.blocks[number]
        for key, views in self.views.items():
            self.views[key] = {number: view for number, view in views.items() if number <= common}
            self.accounts[key] = roll_back(self.accounts[key], views[common], depth=self.depth, now=now)
            past = self.windows[key].past
            at_common = [view.access_until for view in past if view.block_number <= common]
            window = WindowView(common, at_common[-1] if at_common else 0)
            self.windows[key] = roll_back_window(self.windows[key], window, depth=self.depth)

    def _read(self, key: AccountKey, block: Block, before: View, taken: Sequence[tuple[int, int]]) -> tuple[View, int]:
        """Ask the contract for an account after a block, and for the end of its window."""
        functions, chain, number = self.world.credits.functions, self.world.chain, block.number
        balance, settled, access_until, _ = chain.read(functions.accountOf(*key), block=number)
        terms = self.terms[key.plan_id]
        found: Any = chain.read(functions.lotsOf(*key, 0, 500), block=number) if terms.duration else ()
        view = replace(
            _pass_time(before, block),
            balance=0 if access_until else balance,
            settled=settled,
            taken=sum(amount for at, amount in taken if at <= number),
            lots=tuple(Lot(end, credits) for credits, end in found if end > block.timestamp),
        )
        return view, access_until

    def _see(self, key: AccountKey, seen: tuple[View, int], now: int) -> None:
        view, access_until = seen
        self.views[key][view.block_number] = view
        self.accounts[key] = replace_view(self.accounts[key], view, depth=self.depth, now=now)
        window = WindowView(view.block_number, access_until)
        self.windows[key] = replace_window(self.windows[key], window, depth=self.depth)


def _pass_time(before: View, block: Block) -> View:
    """Return the view after a block that has no transactions."""
    ended = tuple(lot for lot in before.lots if lot.end <= block.timestamp)
    lapsed = sum(lot.credits for lot in ended)
    return replace(
        before,
        block_number=block.number,
        block_hash=bytes.fromhex(block.hash[2:]),
        time=block.timestamp,
        balance=before.balance - lapsed,
        lapsed=before.lapsed + lapsed,
        lots=before.lots[len(ended) :],
        ended=ended,
    )


def _empty(block: Block) -> View:
    return View(block.number, bytes.fromhex(block.hash[2:]), block.timestamp, 0, 0, 0)


def read_taken(world: World, redeemers: Sequence[str]) -> dict[AccountKey, list[tuple[int, int]]]:
    """Return what some redeemers took, with the blocks: their redemptions, and the transfers of their settlements to nobody."""
    events, taken = world.credits.events, dict[AccountKey, list[tuple[int, int]]]()
    settled = {event["transactionHash"] for event in events.Settled.get_logs(from_block=0)}
    for redeemer in redeemers:
        for event in events.Redeemed.get_logs(from_block=0, argument_filters={"redeemer": redeemer}):
            key = AccountKey(event["args"]["planId"], event["args"]["holder"])
            taken.setdefault(key, []).append((event["blockNumber"], event["args"]["amount"]))
        found = events.TransferSingle.get_logs(from_block=0, argument_filters={"operator": redeemer, "to": ZERO})
        for event in found:
            if event["transactionHash"] in settled:
                key = AccountKey(event["args"]["id"], event["args"]["from"])
                taken.setdefault(key, []).append((event["blockNumber"], event["args"]["value"]))
    return taken


def describe(account: Account, now: int) -> dict[str, int]:
    """Return the numbers of an account by which requests are admitted and credits are settled."""
    return {
        "committed": account.committed,
        "written_off": account.written_off,
        "owed": account.owed,
        "settled": account.view.settled,
        "taken": account.view.taken,
        "lapsed": account.view.find_lapsed(now),
        "backing": account.view.backing,
        "least_backing": account.least_backing,
        "least_others": account.least_others,
        "funds": account.find_funds(now),
        "available": account.find_available(now),
        "total_to_reach": account.find_total_to_reach(now),
    }
