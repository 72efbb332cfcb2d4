"""Third act of the demo: a service behind a gateway, a hundred requests that are paid by signature, over HTTP on loopback.

The service, the gateway, its books and its index are real, and so is every request. This file needs the extra ``gateway``.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Final

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.payment import Answered, find_payment
from nvm_chain.demo.buying import PAYMENT, Client
from nvm_chain.demo.results import DemoFailed, HttpRefusal, ServedResult
from nvm_chain.demo.servers import PATH, TeaService, find_address, listening, serving
from nvm_chain.demo.stage import Stage
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.index.database import open_index
from nvm_chain.index.following import Follower
from nvm_chain.metadata.documents import AgentMetadata
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.operating import open_books
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.meter.store.settlements import Settlement, read_open
from nvm_chain.meter.verifying import MeterVerification, verify_meter
from nvm_chain.operations.agents import register_agent
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import register_plan, set_redeemer
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.amounts import usdc
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import get_erc20_price_config
from nvm_chain.types.receipts import OrderReceipt

PRICE: Final = usdc("5")
CREDITS: Final = 100
PUBLIC_URL: Final = "https://tea.example.com"
"""The service's address in the agent's metadata."""
PATIENCE_SECONDS: Final = 120
LOOK_SECONDS: Final = 0.05


def serve(stage: Stage) -> ServedResult:
    """Run this act of the demo, and return its result. Sends five transactions.

    At the end, also after an error or Ctrl-C, both servers and their threads have ended, and the files are deleted.
    """
    with ExitStack() as stack:
        stack.enter_context(_without_logs())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="nvm-chain-demo-")))
        ports = [stack.enter_context(listening()) for _ in range(2)]
        return Serving(stage, folder, *ports).play()


@contextmanager
def _without_logs() -> Iterator[None]:
    """Keep what the gateway would log to stderr out of the story, unless a program has handlers for its logs."""
    logger, handler = logging.getLogger("nvm_chain"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class Serving:
    """Third act of the demo: the seller's plan, agent, service and gateway, and the subscriber who pays over HTTP."""

    def __init__(self, stage: Stage, folder: Path, port: socket, service_port: socket) -> None:
        """Take the ports of the gateway and of the service, and a folder for the gateway's files."""
        self.stage, self.chain = stage, stage.chain
        self.builder, self.subscriber, self.key = (stage.signers[role] for role in ("builder", "subscriber", "gateway"))
        self.port, self.service_port, self.service = port, service_port, TeaService()
        self.meter, self.index = folder / "meter.db", folder / "index.db"
        self.first_block = self.chain.read_block().number
        self.gateway = find_address(port)
        self.plan_id, self.agent_id, self.milliseconds = 0, 0, 0

    def play(self) -> ServedResult:
        """Run this act of the demo, and return its result."""
        self.register()
        receipt = self.order()
        with serving(self.service, self.service_port):
            with self.run_gateway():
                self.tell_addresses()
                self.buy()
            with self.run_gateway(settles=True):
                self.wait_for_settlement()
        settlement, found = self.read_books()
        return ServedResult(
            plan_id=self.plan_id,
            agent_id=self.agent_id,
            gateway=self.gateway,
            service=find_address(self.service_port),
            price_paid=receipt.paid,
            requests=self.service.requests,
            milliseconds=self.milliseconds,
            credits_settled=settlement.credits,
            credits_charged=found.charged,
            credits_taken=found.taken,
            differences=len(found.differences),
            credits_left=self.stage.read_credits(self.plan_id),
        )

    # ------------------------------------------------------------ what the seller does

    def register(self) -> None:
        """Register the plan and the agent, and allow the gateway's key to settle."""
        chain, builder = self.chain, self.builder
        price = get_erc20_price_config(PRICE, self.stage.usdc, builder.address)
        plan = register_plan(chain, builder, price, get_fixed_credits_config(CREDITS))
        self.plan_id = plan.plan_id
        allowed = set_redeemer(chain, builder, plan.plan_id, self.key.address, True)
        metadata = AgentMetadata("Tea", endpoints=(Endpoint("GET", PUBLIC_URL + PATH),))
        agent = register_agent(chain, builder, metadata, [AttachedPlan(plan.plan_id, 1, 1)])
        self.agent_id = agent.agent_id
        self.stage.sent |= {
            "register_served": [plan.transaction],
            "set_redeemer": [allowed],
            "register_agent": [agent.transaction],
        }
        action = f"registers a plan of {CREDITS} credits for {self.stage.money(PRICE)}, and an agent"
        outcome = f"agent {agent.agent_id} takes 1 credit for a request to GET {PUBLIC_URL}{PATH}"
        self.stage.tell("builder", action, outcome, opens="Act 3: a service behind a gateway, over HTTP")

    @contextmanager
    def run_gateway(self, *, settles: bool = False) -> Iterator[None]:
        """Run the gateway for the block of a ``with``, once it has read the chain up to now."""
        did = format_did(self.agent_id)
        service = ServiceSettings(did, find_address(self.service_port), public_url=PUBLIC_URL)
        settings = GatewaySettings(self.gateway, str(self.meter), str(self.index), {did: service}, depth=0)
        app = build_gateway(
            self.stage.connect_again,
            self.key,
            settings,
            rules=SettleRules(credits=CREDITS),
            first_block=self.first_block,
            settles=settles,
            renews=True,
        )
        with serving(app, self.port, lambda: app.failure):
            self.wait_for_block()
            yield

    def tell_addresses(self) -> None:
        """Tell where the servers are."""
        outcome = f"gateway at {self.gateway}, service at {find_address(self.service_port)}"
        self.stage.tell("builder", "starts the service, and a gateway in front of it", outcome)

    # ------------------------------------------------------------ what the buyer does

    def order(self) -> OrderReceipt:
        """Order the plan as the subscriber."""
        receipt = order_plan(self.chain, self.subscriber, self.plan_id, payment_method="permit")
        self.stage.sent["order_served"] = [receipt.transaction]
        held = f"{self.stage.read_credits(self.plan_id)} credits and {self.stage.money(self.stage.read_money('subscriber'))}"
        self.stage.tell("subscriber", "orders the plan", f"has {held}")
        return receipt

    def buy(self) -> None:
        """Send requests as the subscriber, and pay for each by a signature. Then try to get some for nothing."""
        limits = build_limits(per_request=1, in_all=CREDITS + 1, services=[self.agent_id])
        buyer = Buyer(self.stage.connect_again(), self.subscriber, limits)
        url = f"{self.gateway}/services/{format_did(self.agent_id)}{PATH}"
        with Client(self.gateway, buyer) as client, Client(self.gateway) as stranger:
            began = time.perf_counter_ns()
            answers = [client.ask(url) for _ in range(CREDITS)]
            self.milliseconds = (time.perf_counter_ns() - began) // 10**6
            charged = sum(map(find_cost, answers))
            action = f"sends {len(answers)} requests, and signs a voucher for each"
            outcome = f"{len(answers)} answers, {charged} credits charged, and no transaction"
            self.stage.tell("subscriber", action, outcome)
            paid = answers[-1].request.headers.get(PAYMENT, "")
            refuse = self.stage.expect_refusal
            refuse("stranger", "send a request without a payment", HttpRefusal, lambda: stranger.ask(url))
            refuse("stranger", "send a paid request again", HttpRefusal, lambda: stranger.ask(url, {PAYMENT: paid}))
            refuse("subscriber", "send one more request", HttpRefusal, lambda: client.ask(url))
        if self.service.requests != CREDITS:
            raise DemoFailed(f"{self.service.requests} requests reached the service, and {CREDITS} were paid for")

    # ------------------------------------------------------------ what the gateway does

    def wait_for_block(self) -> None:
        """Wait until the gateway has read the latest block. Raises DemoFailed if it does not in two minutes."""
        latest = self.chain.read_block().number
        with Client(self.gateway) as client:
            wait_until(lambda: client.read_head() >= latest, "The gateway did not read the chain")

    def wait_for_settlement(self) -> None:
        """Wait until the chain has the settlement, and the gateway has read it."""
        holder = self.subscriber.address
        wait_until(
            lambda: read_account(self.chain, self.plan_id, holder).settled == CREDITS, "The gateway did not settle"
        )
        self.wait_for_block()

    def read_books(self) -> tuple[Settlement, MeterVerification]:
        """Read the settlement from the books of the stopped gateway, and compare the books with the index and the chain."""
        chain = self.chain
        with open_books(self.meter, chain) as writer, closing(open_index(self.index)) as index:
            (settlement,) = writer.run(read_open)
            self.stage.sent["settle_served"] = [chain.read_transaction(settlement.hash)]
            Follower(chain, index).sync()
            left, gas = self.stage.read_credits(self.plan_id), self.stage.sent["settle_served"][-1].gas_used or 0
            action = f"starts again with its books, and settles {CREDITS} requests in one transaction"
            outcome = f"{settlement.credits} credits taken for {gas:,} gas, the subscriber has {left} left"
            self.stage.tell("gateway", action, outcome)
            found = verify_meter(writer, [self.key.address], index, chain)
        if not found.is_right:
            raise DemoFailed("The books of the gateway are not what the index and the chain say")
        outcome = f"{found.charged} credits charged, {found.taken} taken, and every number is equal"
        self.stage.tell("builder", "compares the books with the index and with the chain", outcome)
        return settlement, found


def find_cost(answer: Answered) -> int:
    """Return the credits that an answer cost."""
    payment = find_payment(answer)
    return 0 if payment is None else payment.credits


def wait_until(is_done: Callable[[], bool], failure: str) -> None:
    """Look again and again until something is done. Raises DemoFailed if it is not done in two minutes."""
    pause, end = threading.Event(), time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > end:
            raise DemoFailed(failure)
        pause.wait(LOOK_SECONDS)
