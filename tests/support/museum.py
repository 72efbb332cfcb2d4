"""The museum of weird tokens: the tokens in contracts/test/tokens/, each with its own fault."""

from collections.abc import Callable
from dataclasses import dataclass

from web3.contract.contract import Contract

from nvm_chain.types.prices import Split
from tests.support.books import Books, fee_of, open_books_of_sale, share_of
from tests.support.world import World

FIRST, SECOND = 1_000_000, 234_567
COST = FIRST + SECOND
WEALTH = 10 * COST
FEES_BPS = [0, 250]


@dataclass(frozen=True)
class Exhibit:
    """One token. ``sin`` switches its fault on before the order. ``fails_at`` is the split that cannot be paid.

    Splits are paid from the last to the first. If no split can be paid, the last one fails first.
    """

    name: str
    arguments: tuple[object, ...] = ()
    sin: Callable[[World, Contract], None] | None = None
    fails_at: int = 1
    label: str = ""

    def __str__(self) -> str:
        """Return the name of the token, for test ids."""
        return self.label or self.name


class Hall:
    """A token, a plan with two receivers and a price in it, and a subscriber with ten times the price."""

    def __init__(self, world: World, exhibit: Exhibit, fee_bps: int = 0) -> None:
        """Deploy the token, register the plan with this protocol fee, and fund the subscriber."""
        self.world = world
        self.fee_bps = fee_bps
        self.token = world.deploy(exhibit.name, *exhibit.arguments)
        self.splits = (Split(world.builder.address, FIRST), Split(world.partner.address, SECOND))
        if fee_bps:
            world.set_fee(fee_bps)
        self.plan_id = world.register(token=self.token.address, splits=self.splits)
        world.fund(world.subscriber, self.token, WEALTH)
        if exhibit.sin is not None:
            exhibit.sin(world, self.token)

    def open_books(self) -> Books:
        """Read the token balances of all parties."""
        return open_books_of_sale(self.world, self.token, bystander=self.world.other.address)

    @property
    def fee(self) -> int:
        """The protocol fee of one order."""
        return fee_of(self.splits, self.fee_bps)

    @property
    def shares(self) -> tuple[int, int]:
        """The amounts that the two receivers get from one order."""
        return share_of(self.splits[0], self.fee_bps), share_of(self.splits[1], self.fee_bps)

    def exact_changes(self) -> dict[str, int]:
        """Return the changes of the balances if all parties get the right amounts."""
        changes = {"payer": -COST, "first": self.shares[0], "second": self.shares[1], "protocol": self.fee}
        return {name: change for name, change in changes.items() if change}

    @property
    def credits(self) -> int:
        """The subscriber's credits of the plan."""
        return self.world.balance(self.plan_id, self.world.subscriber.address)


def _block(role: str) -> Callable[[World, Contract], None]:
    def sin(world: World, token: Contract) -> None:
        account = world.credits.address if role == "credits" else getattr(world, role).address
        world.send(world.fee_owner, token.functions.setBlocked(account, True))

    return sin


def _blacklist(role: str) -> Callable[[World, Contract], None]:
    def sin(world: World, token: Contract) -> None:
        account = world.credits.address if role == "credits" else getattr(world, role).address
        world.send(world.fee_owner, token.functions.blacklist(account))

    return sin


def _pause(world: World, token: Contract) -> None:
    world.send(world.fee_owner, token.functions.setPaused(True))


def _pause_usdc(world: World, token: Contract) -> None:
    world.send(world.fee_owner, token.functions.pause())


def _revert_with_a_bomb(world: World, token: Contract) -> None:
    world.send(world.fee_owner, token.functions.setReverting(True))


def _lie(answer: int) -> Callable[[World, Contract], None]:
    def sin(world: World, token: Contract) -> None:
        world.send(world.fee_owner, token.functions.lie(answer))

    return sin


FAITHFUL = (
    Exhibit("HonestToken"),
    Exhibit("TestUSDC"),
    Exhibit("ReturnsNothing"),
    Exhibit("ReturnsBomb"),
    Exhibit("RevertsOnZero"),
    Exhibit("ApprovalRace"),
    Exhibit("Pauses"),
    Exhibit("BlocksAddress"),
    Exhibit("MaxMovesBalance"),
    Exhibit("CallsBack"),
    Exhibit("Rebases"),
    Exhibit("NameIsBytes32"),
    Exhibit("HostileName"),
    Exhibit("PhantomPermit"),
    Exhibit("SilentAuthorization"),
    Exhibit("LiesAboutDecimals", (77,)),
)
"""Tokens with a fault that does not affect the payment. They transfer the exact amounts."""

REFUSING = (
    Exhibit("ReturnsFalse"),
    Exhibit("ReturnsFalseOnSuccess"),
    Exhibit("Pauses", sin=_pause),
    Exhibit("ReturnsBomb", sin=_revert_with_a_bomb),
    Exhibit("BurnsGas"),
    Exhibit("BlocksAddress", sin=_block("subscriber"), label="BlocksAddress-payer"),
    Exhibit("BlocksAddress", sin=_block("credits"), label="BlocksAddress-credits"),
    Exhibit("BlocksAddress", sin=_block("builder"), fails_at=0, label="BlocksAddress-first"),
    Exhibit("BlocksAddress", sin=_block("partner"), label="BlocksAddress-second"),
    Exhibit("TestUSDC", sin=_pause_usdc, label="TestUSDC-paused"),
    Exhibit("TestUSDC", sin=_blacklist("subscriber"), label="TestUSDC-payer"),
    Exhibit("TestUSDC", sin=_blacklist("credits"), label="TestUSDC-credits"),
    Exhibit("TestUSDC", sin=_blacklist("builder"), fails_at=0, label="TestUSDC-first"),
    Exhibit("TestUSDC", sin=_blacklist("partner"), label="TestUSDC-second"),
)
"""Tokens that do not pay and report it in one way or another."""

LYING = (
    Exhibit("LiesAboutBalance", sin=_lie(0), label="LiesAboutBalance-0"),
    Exhibit("LiesAboutBalance", sin=_lie(2**256 - 1), label="LiesAboutBalance-max"),
)
"""Tokens that transfer the exact amounts, but return false answers."""
