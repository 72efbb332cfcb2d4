"""The stage for calls with faults: one anvil with every kind of plan, and accounts that are ready for their roles."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.state_folder import STATE_VARIABLE
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.operations.tokens import approve_token_spending
from nvm_chain.signing.signed_orders import SignedOrder
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.prices import Split
from nvm_chain.types.receipts import Transaction
from tests.support.agents import Agents
from tests.support.faults.proxy import FaultNode
from tests.support.plans import expiring, from_purchase, usage
from tests.support.world import CREDITS, FUNDS, PRICE, ZERO, World

DAY: int = 86_400
TIMEOUT_SECONDS: int = 1
COIN_PRICE: int = 10**15
MEMORY: Path = Path("/dev/shm")
"""The folder with the fastest disk for journals, if the system has it."""
REFERENCE: str = "invoice 7"


@dataclass
class Stage:
    """A prepared world, and the proxy in front of it."""

    world: World
    node: FaultNode
    folder: Path
    """The folder that contains the folder of each run, with its journal and records."""
    plans: dict[str, int] = field(default_factory=dict)
    agent: int = 0
    block: int = 0
    """The last block of the preparation."""
    empty_blocks: int = 0
    """The number of empty blocks between the preparation and a call."""
    approval: Transaction = field(init=False)
    orders: tuple[SignedOrder, ...] = ()
    voucher: SignedVoucher = field(init=False)
    _numbers: Iterator[int] = field(default_factory=count)

    def open_run(self) -> Path:
        """Begin a run without a journal, as a program on a new machine does. Return the run's folder."""
        run = self.folder / str(next(self._numbers))
        run.mkdir()
        os.environ[STATE_VARIABLE] = str(run)
        return run

    def connect(self, *, past_the_proxy: bool = False) -> Chain:
        """Connect as a new process does, through the proxy or directly."""
        url = self.node.target if past_the_proxy else self.node.url
        chain = open_rpc(url, timeout_seconds=TIMEOUT_SECONDS)
        # Set without a check of the code, which is known here. The check takes longer than most calls.
        chain._credits = chain.bind(self.world.credits.address, read_artifact("Credits").abi)
        chain._agents = chain.bind(self.world.chain.agents.address, read_artifact("AgentRegistry").abi)
        chain.usdc = self.world.chain.usdc
        return chain


@contextmanager
def prepare_stage(world: World, node: FaultNode) -> Iterator[Stage]:
    """Prepare a world for all calls, and set a folder for journals until the block ends."""
    before = os.environ.get(STATE_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="nvm_chain-faults-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        stage = Stage(world, node, Path(folder))
        stage.open_run()
        try:
            _sell(stage)
            _hand_out(stage)
            _sign(stage)
            stage.block = world.chain.read_block().number
            yield stage
        finally:
            os.environ.pop(STATE_VARIABLE, None)
            if before is not None:
                os.environ[STATE_VARIABLE] = before


def _sell(stage: Stage) -> None:
    """Register a plan of each kind, and an agent."""
    world = stage.world
    stage.plans = {
        "sold": world.register(),
        "coin": world.register(token=ZERO, splits=(Split(world.fee_receiver.address, COIN_PRICE),)),
        "free": world.register(splits=()),
        "usage": world.register(**usage()),
        "coin usage": world.register(**usage(token=ZERO, splits=(Split(world.fee_receiver.address, COIN_PRICE),))),
        "transferable": world.register(transferable=True),
        "expiring": world.register(**expiring(DAY)),
        "time": world.register(**from_purchase(DAY)),
        "offered": world.register(),
    }
    functions = world.credits.functions
    world.send(world.builder, functions.transferPlanOwnership(stage.plans["offered"], world.partner.address))
    stage.agent = Agents(world).register((stage.plans["sold"], 1, 5), (stage.plans["transferable"], 1, 5))


def _hand_out(stage: Stage) -> None:
    """Give USDC and credits to the subscriber, and USDC with an allowance to the partner."""
    world = stage.world
    world.send(world.subscriber, world.usdc.functions.mint(world.subscriber.address, FUNDS))
    world.send(world.partner, world.usdc.functions.mint(world.partner.address, FUNDS))
    stage.approval = approve_token_spending(world.chain, world.partner, world.usdc.address, FUNDS)
    for name in ("sold", "transferable"):
        world.grant(stage.plans[name], world.subscriber.address, CREDITS)
    for name in ("expiring", "time"):
        world.order(stage.plans[name])


def _sign(stage: Stage) -> None:
    """Sign two orders and a voucher as the subscriber."""
    chain, holder, plan = stage.world.chain, stage.world.subscriber, stage.plans["sold"]
    stage.orders = tuple(
        sign_plan_order(chain, holder, plan, quantity=count, max_cost=PRICE * count) for count in (1, 2)
    )
    stage.voucher = sign_next_voucher(chain, holder, plan, redeemer=stage.world.builder.address, cost=3)
