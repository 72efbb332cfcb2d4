"""An anvil whose chain can be reorganized, and what an index of it has to have."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.errors import NvmChainError
from nvm_chain.index.database import Index, open_index
from nvm_chain.index.following import Follower
from nvm_chain.index.schema import metadata
from tests.support.agents import Agents
from tests.support.anvil import open_anvil, run_anvil
from tests.support.calls import encode_call
from tests.support.world import MAX_FEE, MAX_UINT, NO_CONTEXT, TIP, World

DEEPEST = 64
"""The number of blocks in the deepest reorganization that an index has to stand."""
OWN = ("state", "blocks", "account_undo", "catalogue_undo")
"""The tables that tell how an index came about, and not what happened on the chain."""


@dataclass
class IndexWorld:
    """A chain with plans and agents, and short methods to change it."""

    world: World
    url: str
    random: Random = field(default_factory=lambda: Random(1))
    plans: list[int] = field(default_factory=list)
    agents: list[int] = field(default_factory=list)

    def ask(self, method: str, *parameters: Any) -> Any:
        """Return the result of a request to the node."""
        answer: Any = self.world.chain.web3.provider.make_request(method, list(parameters))  # type: ignore[arg-type]
        assert "error" not in answer, answer
        return answer["result"]

    def prepare(self) -> None:
        """Register two plans and an agent, and give the buyers tokens."""
        world = self.world
        self.plans = [world.register(transferable=True), world.register(token=world.usdc.address, transferable=True)]
        self.agents = [Agents(world).register((self.plans[0], 1, 5))]
        for account in (world.subscriber, world.partner):
            world.fund(account, amount=10**15)

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Undo at the end of the block what happens to the chain in it."""
        snapshot = self.ask("evm_snapshot")
        yield
        self.ask("evm_revert", snapshot)
        self.ask("anvil_dropAllTransactions")

    def mine(self, count: int = 1) -> None:
        """Mine empty blocks."""
        self.ask("anvil_mine", hex(count))

    def reorganize(self, depth: int) -> None:
        """Replace the latest blocks by empty ones of another miner. Their transactions are dropped."""
        self.change_miner()
        self.ask("anvil_reorg", depth, [])

    def change_miner(self) -> None:
        """Name another miner in the next blocks. Else equal blocks would get equal hashes."""
        self.ask("anvil_setCoinbase", f"0x{self.random.getrandbits(160):040x}")

    @property
    def head(self) -> int:
        """The number of the latest block."""
        return int(self.ask("eth_blockNumber"), 16)

    def act(self, count: int = 1) -> None:
        """Do some things by chance, in one block each."""
        for _ in range(count):
            with suppress(NvmChainError):  # too few credits, for example
                self._act()

    def _act(self) -> None:
        world, plan = self.world, self.random.choice(self.plans)
        holder, other = self.random.sample([world.subscriber, world.partner, world.stranger], 2)
        functions = world.credits.functions
        amount = self.random.randint(1, 9)
        match self.random.randrange(7):
            case 0:
                world.order(plan, world.subscriber, receiver=holder.address, quantity=amount)
            case 1:
                world.grant(plan, holder.address, amount)
            case 2:
                world.send(holder, functions.redeem(plan, holder.address, amount, NO_CONTEXT))
            case 3:
                moved = functions.safeTransferFrom(holder.address, other.address, plan, amount, b"")
                world.send(holder, moved)
            case 4:
                world.send(holder, functions.burn(plan, holder.address, amount))
            case 5:
                world.send(world.builder, functions.setPlanUri(plan, f"https://example.com/{amount}"))
            case 6:
                self.agents.append(Agents(world).register((plan, 1, amount)))

    def act_at_once(self, count: int) -> None:
        """Order credits several times in one block."""
        self.ask("evm_setAutomine", False)
        world = self.world
        data = encode_call(world.credits.functions.order(self.plans[0], world.subscriber.address, 1, MAX_UINT))
        nonce = world.chain.count_sent(world.subscriber.address, "latest")
        fields: dict[str, Any] = {
            "to": world.credits.address,
            "data": data,
            "value": 0,
            "chainId": world.chain.chain_id,
        }
        fields |= {"gas": 300_000, "maxFeePerGas": MAX_FEE, "maxPriorityFeePerGas": TIP}
        for number in range(count):
            signed = world.subscriber.sign_transaction({**fields, "nonce": nonce + number})
            self.ask("eth_sendRawTransaction", f"0x{bytes(signed.raw_transaction).hex()}")
        self.ask("evm_mine")
        self.ask("evm_setAutomine", True)

    # ------------------------------------------------------------------ indexes

    def connect(self, url: str | Sequence[str] | None = None) -> Chain:
        """Connect as a follower does."""
        return open_rpc(url or self.url, timeout_seconds=2)

    def open(self, where: str | Path) -> Index:
        """Open an index of this chain, or make it."""
        return open_for(self.world.chain, where)

    def check(self, index: Index, folder: Path) -> None:
        """Compare an index with one that is built anew, and with the chain."""
        with closing(self.open(folder / f"fresh-{self.random.random()}.db")) as fresh:
            head = Follower(self.connect(), fresh).sync()
            assert index.read_state().head == head
            assert dump(index) == dump(fresh)
        for plan, holder, balance in list_balances(index):
            assert balance == self.world.balance(plan, holder), (plan, holder)


def open_for(chain: Chain, where: str | Path) -> Index:
    """Open an index of a chain, or make it."""
    return open_index(
        where, chain_id=chain.chain_id, credits=chain.credits.address, agents=chain.agents.address, create=True
    )


def dump(index: Index) -> dict[str, list[tuple[Any, ...]]]:
    """Return what an index says of the chain: the rows of each table, in order."""
    tables = [table for table in metadata.sorted_tables if table.name not in OWN]
    with index.snapshot() as connection:
        return {table.name: sorted(map(_plain, connection.execute(select(table))), key=repr) for table in tables}


def _plain(row: Any) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def list_balances(index: Index) -> list[tuple[int, str, int]]:
    """Return the plan, the holder and the balance of each account, as after its last movement."""
    accounts = metadata.tables["accounts"]
    with index.snapshot() as connection:
        rows = connection.execute(select(accounts.c.plan, accounts.c.holder, accounts.c.balance)).all()
    return [(int.from_bytes(plan), f"0x{bytes(holder).hex()}", balance) for plan, holder, balance in rows]


@contextmanager
def run_index_world() -> Iterator[IndexWorld]:
    """Run an anvil of its own, which keeps the states of old blocks, until the block ends."""
    with run_anvil(keeps_states=True) as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        made = IndexWorld(World(chain), url)
        made.prepare()
        yield made
