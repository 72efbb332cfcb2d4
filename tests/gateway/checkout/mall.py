"""A gateway of several owners: what each of them sells, and what their buyers have paid and used."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount

import nvm_chain as nvm
from nvm_chain.gateway.connections import BoundedProtocol
from nvm_chain.gateway.opening import build_gateway
from nvm_chain.gateway.sellers.settings import SellerSettings
from nvm_chain.gateway.sellers.tokens import Role, build_token
from nvm_chain.gateway.settings import GatewaySettings, ServiceSettings
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata, build_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.meter.settling.rules import SettleRules
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.ids import format_did
from tests.gateway.checkout.stall import HOSTILE, Stall
from tests.gateway.serving import served
from tests.gateway.shop import NEVER, PUBLIC, Gate

PRICE = 20_000_000
FEE_BPS = 100
_PAUSE = threading.Event()
COST = 2
"""Credits of a request."""
EXPOSURE = 700
OWN_HOST = "carl.example.com"
"""The host of the service of Carl alone."""
TOKENS = {name: {role: f"token-of-{name}-as-{role}-0123456789" for role in Role} for name in ("anna", "bert")}


@dataclass
class Mall:
    """Three owners, each with an agent. Their plans are known by names.

    - ``own`` and ``time`` are Anna's, and only her agent accepts them.
    - ``both`` is Anna's too, and Bert's agent accepts it as well.
    - ``lent`` is Anna's, and only the agent of Carl accepts it.
    - ``bert`` is Bert's, and only his agent accepts it. Its metadata is hostile.
    """

    stall: Stall
    anna: LocalAccount
    bert: LocalAccount
    carl: LocalAccount
    plans: dict[str, int] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    url: str = ""
    gates: dict[tuple[str, str], Gate] = field(default_factory=dict)
    buyers: list[LocalAccount] = field(default_factory=list)

    # ---- buyers

    def order(self, buyer: LocalAccount, plan: str, quantity: int = 1) -> None:
        """Order a plan."""
        chain = self.stall.shop.chain
        nvm.order_plan(chain, buyer, self.plans[plan], quantity=quantity, payment_method="approve")

    def use(self, buyer: LocalAccount, owner: str, plan: str, count: int) -> None:
        """Pay for some requests to the service of an owner's agent."""
        gate = self.gates.setdefault((buyer.address, plan), Gate(self.stall.shop, self.url, buyer))
        gate.shop = _Other(self.stall.shop, self.agents[owner])  # type: ignore[assignment]
        for _ in range(count):
            deadline = time.monotonic() + 30
            while (answer := gate.paid("POST", "/ask", b"tea?", COST, plan_id=self.plans[plan])).status_code != 200:
                gate.ceiling -= COST  # the gateway has not read the order yet
                assert time.monotonic() < deadline, answer.text
                _PAUSE.wait(0.1)

    # ---- sellers

    def get(self, path: str, token: str = "", **query: str) -> requests.Response:
        """Ask as somebody with a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(f"{self.url}/seller/api/{path}", params=query, headers=headers, timeout=60)

    def sign_in(self, account: LocalAccount) -> str:
        """Sign in as an account, and return the token of the page."""
        message = self.get("challenge", account=account.address).json()["message"]
        signed = account.sign_message(encode_defunct(text=message)).signature.hex()
        answer = requests.post(
            f"{self.url}/seller/api/sign-in", json={"message": message, "signature": signed}, timeout=60
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def overview(self, token: str, **query: str) -> "Seen":
        """Return the overview that somebody sees."""
        answer = self.get("overview", token, **query)
        assert answer.status_code == 200, answer.text
        return Seen(answer.json())

    def wait_for(self, token: str, holds: Any, seconds: float = 30) -> "Seen":
        """Ask until something is seen. The index follows the chain, and charges ride in later groups of writes."""
        deadline = time.monotonic() + seconds
        while not holds(seen := self.overview(token)):
            assert time.monotonic() < deadline, seen.text
            _PAUSE.wait(0.1)
        return seen


class _Other:
    """The shop, with the agent of another owner."""

    def __init__(self, shop: Any, did: str) -> None:
        self._shop, self.did = shop, did

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shop, name)


class Seen(HTMLParser):
    """A part of the page as somebody sees it: its tiles, and the rows of its tables by their captions."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__()
        self.told = told
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.tiles: list[list[str]] = []
        self.text = ""
        self._caption, self._cell, self._rows = "", False, [[""]]
        self.feed(told["html"])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._cell = True
        elif tag == "br" and self._cell:
            self._rows[-1][-1] += "\n"
        elif tag == "dt":
            self.tiles.append([""])
            self._cell = False
        elif tag == "dd":
            self.tiles[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if tag in ("td", "th"):
            self._cell = False
        elif tag == "table":
            self.tables[self._caption] = self._rows[1:]
            self._rows = [[""]]

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.text += data
        if self._cell:
            self._rows[-1][-1] += data
        elif self.lasttag == "caption" and not self._caption:
            self._caption = data
        elif self.lasttag in ("dt", "dd"):
            self.tiles[-1][-1] += data

    def table(self, caption: str) -> list[list[str]]:
        """Return the rows of the table whose caption begins so."""
        return next((rows for name, rows in self.tables.items() if name.startswith(caption)), [])

    def row(self, caption: str, first: str) -> list[str]:
        """Return the row of a table whose first line is a text."""
        return next(row for row in self.table(caption) if row[0].partition("\n")[0] == first)

    def names(self, caption: str) -> list[str]:
        """Return the first line of each row of a table."""
        return [row[0].partition("\n")[0] for row in self.table(caption)]

    def tile(self, name: str) -> list[str]:
        """Return the value and the note of a tile."""
        return next(tile[1:] for tile in self.tiles if tile[0] == name)


@contextmanager
def run_mall(
    stall: Stall, upstream: str, folder: Path, *, rules: SettleRules = NEVER, fee: bool = True
) -> Iterator[Mall]:
    """Run a gateway that serves the agents of all owners. The chain of the stall has this mall alone."""
    chain, world = stall.shop.chain, stall.world
    if fee:
        world.set_fee(FEE_BPS)
    people = [Account.create() for _ in range(3)]
    for person in people:
        chain.web3.provider.make_request("anvil_setBalance", [person.address, hex(10**18)])  # type: ignore[arg-type]
    mall = Mall(stall, *people)
    _register(mall)
    own = {"anna": "anna", "bert": "bert", "carl": None}
    settings = GatewaySettings(
        "http://127.0.0.1",
        str(folder / "meter.db"),
        str(folder / "index.db"),
        {
            did: ServiceSettings(
                *(did, upstream),
                public_url=PUBLIC,
                seller=own[name],
                exposure=EXPOSURE,
                hosts=(OWN_HOST,) if name == "carl" else (),
            )
            for name, did in mall.agents.items()
        },
        depth=0,
        sellers={
            name: SellerSettings(name, tuple(build_token(role, text, name) for role, text in tokens.items()))
            for name, tokens in TOKENS.items()
        },
    )
    app = build_gateway(stall.shop.connect, stall.shop.redeemer, settings, rules=rules, renews=True)
    with served(app, http=BoundedProtocol) as mall.url:
        yield mall


def _register(mall: Mall) -> None:
    chain, stall = mall.stall.shop.chain, mall.stall
    assert chain.usdc is not None
    hundred, month = nvm.get_fixed_credits_config(100), nvm.get_expirable_duration_config(30 * 86_400)
    coin = nvm.get_native_token_price_config(10**15, mall.anna.address)
    usdc = {who.address: nvm.get_erc20_price_config(PRICE, chain.usdc, who.address) for who in (mall.anna, mall.bert)}
    for name, owner, price, config, text in (
        ("own", mall.anna, usdc[mall.anna.address], hundred, "Anna's tea"),
        ("time", mall.anna, coin, month, "A month of tea"),
        ("both", mall.anna, usdc[mall.anna.address], hundred, "Shared tea"),
        ("lent", mall.anna, usdc[mall.anna.address], hundred, "Lent tea"),
        ("bert", mall.bert, usdc[mall.bert.address], hundred, HOSTILE),
    ):
        uri = build_metadata_uri(PlanMetadata(text, author="Tea House"))
        mall.plans[name] = nvm.register_plan(chain, owner, price, config, uri=uri).plan_id
        nvm.set_redeemer(chain, owner, mall.plans[name], stall.shop.redeemer.address, True)
    for name, owner, accepted in (
        ("anna", mall.anna, ("own", "time", "both")),
        ("bert", mall.bert, ("both",)),
        ("carl", mall.carl, ("lent",)),
    ):
        metadata = AgentMetadata(f"Agent of {name}", endpoints=(Endpoint("POST", f"{PUBLIC}/ask"),))
        costs = [AttachedPlan(mall.plans[plan], *((0, 0) if plan == "time" else (COST, 5))) for plan in accepted]
        agent = nvm.register_agent(chain, mall.anna, metadata, costs).agent_id
        if owner != mall.anna:  # only whoever owns both attaches a plan to an agent
            nvm.transfer_agent(chain, mall.anna, agent, owner.address)
        mall.agents[name] = format_did(agent)
    nvm.attach_plan(chain, mall.bert, mall.agents["bert"], mall.plans["bert"], COST, 5)
