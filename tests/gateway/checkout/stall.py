"""A seller with plans of every price, and an agent that accepts them: what the checkout is tried on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount
from web3.contract.contract import Contract

import nvm_chain as nvm
from nvm_chain.chain.client import Chain
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.enums import RedemptionRule
from nvm_chain.gateway.checkout.settings import CheckoutSettings
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata, build_metadata_uri
from nvm_chain.metadata.endpoints import Endpoint
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import PriceConfig
from tests.gateway.shop import PUBLIC, Gate, Shop
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import World

PRICE = 20_000_000
ODD_PRICE = 20 * 10**18
COIN = 10**16
HOSTILE = "<script>alert(1)</script>\u202egnp.exe <img src=x onerror=alert(2)>"
RELAYS = CheckoutSettings(relays=True, relays_per_account=3, relays_per_day=500)


@dataclass
class UsdcShop(Shop):
    """A shop whose connections know TestUSDC, as they do with a record of its deployment."""

    def connect(self) -> Chain:
        """Connect again."""
        chain = super().connect()
        chain.usdc = self.chain.usdc
        return chain


@dataclass
class Stall:
    """A shop with plans that cost money, and a token of each kind."""

    shop: Shop
    world: World
    odd: Contract
    quoter: Contract
    plans: dict[str, int] = field(default_factory=dict)
    agent: str = ""
    other_agent: str = ""

    def did(self, name: str) -> str:
        """Return the DID of a plan by its name here."""
        return format_did(self.plans[name])

    def new_account(self, *, coin: int = 10**18, usdc: int = 100_000_000) -> LocalAccount:
        """Return a new account with coin and TestUSDC."""
        account = Account.create()
        chain = self.shop.chain
        if coin:
            chain.web3.provider.make_request("anvil_setBalance", [account.address, hex(coin)])  # type: ignore[arg-type]
        if usdc:
            self.give(self.world.usdc, account, usdc)
        return account

    def give(self, token: Contract, account: LocalAccount, amount: int) -> None:
        """Give an account some of a token, and no allowance."""
        self.world.send(self.world.subscriber, token.functions.mint(account.address, amount))

    @contextmanager
    def open(self, folder: Path, upstream: str, **changes: Any) -> Iterator["Stand"]:
        """Run a gateway that sells the plans."""
        changes = {"more": {self.other_agent: ("coffee.example.com",)}, **changes}
        with self.shop.open(folder, upstream, **changes) as gate:
            yield Stand(self, gate)


@dataclass
class Stand:
    """A gateway that sells the plans, and what a page asks it."""

    stall: Stall
    gate: Gate

    @property
    def url(self) -> str:
        """Where the checkout is."""
        return f"{self.gate.url}/checkout"

    def page(self, did: str, **headers: str) -> requests.Response:
        """Ask for a page."""
        return requests.get(f"{self.url}/{did}", headers=headers, timeout=60)

    def ask(self, path: str, **query: str) -> requests.Response:
        """Ask a question."""
        return requests.get(f"{self.url}/api/{path}", params=query, timeout=60)

    def tell(self, path: str, body: Any) -> requests.Response:
        """Send something."""
        return requests.post(f"{self.url}/api/{path}", json=body, timeout=60)

    def prepare(self, plan: str, account: str, **more: Any) -> Any:
        """Ask what to do next to order a plan, by its name."""
        answer = self.tell("orders", {"planId": self.stall.did(plan), "account": account, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refuse(self, plan: str, account: str, **more: Any) -> tuple[int, str, str]:
        """Return the status, the type and the message of an order that is refused."""
        answer = self.tell("orders", {"planId": self.stall.did(plan), "account": account, **more})
        told = answer.json()
        return answer.status_code, told["nvm"]["type"], told["error"]

    def send(self, account: LocalAccount, told: Any) -> str:
        """Send the prepared transaction as a wallet does, wait until it is mined, and return its hash."""
        assert told["next"]["do"] == "send", told
        wanted, eth = told["next"]["transaction"], self.stall.shop.chain.web3.eth
        fields = {
            "chainId": int(told["next"]["chainId"]),
            "nonce": eth.get_transaction_count(account.address),
            "to": wanted["to"],
            "data": wanted["data"],
            "value": int(wanted["value"], 16),
            "gas": int(wanted["gas"], 16),
            "maxFeePerGas": 10**10,
            "maxPriorityFeePerGas": 10**9,
        }
        sent = eth.send_raw_transaction(account.sign_transaction(fields).raw_transaction)
        eth.wait_for_transaction_receipt(sent, poll_latency=0.02)
        return f"0x{bytes(sent).hex()}"

    def follow(self, plan: str, transaction: str) -> Any:
        """Return what became of a transaction."""
        answer = self.ask(f"transactions/{transaction}", plan=self.stall.did(plan))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def standing(self, plan: str, account: str) -> Any:
        """Return how an account stands on a plan."""
        answer = self.ask("account", plan=self.stall.did(plan), account=account)
        assert answer.status_code == 200, answer.text
        return answer.json()


def sign(account: LocalAccount, told: Any) -> str:
    """Sign the typed data of a step as a wallet does."""
    signed = account.sign_message(encode_typed_data(full_message=json.loads(told["next"]["typedData"])))
    return f"0x{bytes(signed.signature).hex()}"


@contextmanager
def run_stall() -> Iterator[Stall]:
    """Run an anvil with a seller's plans and agents."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        builder, redeemer = chain.accounts[1], chain.accounts[3]
        odd, quoter = world.deploy("ApprovalRace"), world.deploy("ChangesPrice", PRICE)
        assert chain.usdc is not None

        def register(price: PriceConfig, config: CreditsConfig, name: str, text: str = "") -> int:
            uri = build_metadata_uri(PlanMetadata(name, description=text, author="Tea House")) if name else ""
            plan_id = nvm.register_plan(chain, builder, price, config, uri=uri).plan_id
            nvm.set_redeemer(chain, builder, plan_id, redeemer.address, True)
            return plan_id

        paid = nvm.get_erc20_price_config(PRICE, chain.usdc, builder.address)
        free, hundred = nvm.get_free_price_config(), nvm.get_fixed_credits_config(100)
        coin = nvm.get_native_token_price_config(COIN, builder.address)
        strange = nvm.get_erc20_price_config(ODD_PRICE, odd.address, builder.address)
        quoted = nvm.get_quoted_price_config(chain.usdc, quoter.address, {builder.address: 1})
        month = nvm.get_expirable_duration_config(30 * 86_400)
        plans = {
            "trial": register(free, nvm.get_fixed_credits_config(5, trial=True), "Try it", "Five answers, once."),
            "free": register(free, nvm.get_fixed_credits_config(3), "Every day"),
            "paid": register(paid, hundred, "A hundred answers", "For people who ask often.\nNo subscription."),
            "time": register(paid, month, "A month"),
            "coin": register(coin, hundred, "Paid in coin"),
            "odd": register(strange, hundred, "In an odd token"),
            "external": register(nvm.get_external_price_config(), hundred, "By card"),
            "hostile": register(free, nvm.get_fixed_credits_config(1, rule=RedemptionRule.REDEEMER), HOSTILE, HOSTILE),
            "quoted": register(quoted, hundred, "At today's price"),
            "bare": register(paid, hundred, ""),
            "unsold": register(paid, hundred, "Of nobody"),
        }
        sold = [
            AttachedPlan(plan, 0 if name == "time" else 1, 0 if name == "time" else 1)
            for name, plan in plans.items()
            if name != "unsold"
        ]
        metadata = AgentMetadata(
            "Tea <b>answers</b>",
            description="Answers about tea.",
            author="Tea House",
            endpoints=(Endpoint("GET", f"{PUBLIC}/tea"),),
            open_endpoints=(f"{PUBLIC}/about",),
        )
        agent = nvm.register_agent(chain, builder, metadata, sold)
        other = nvm.register_agent(chain, builder, AgentMetadata("Coffee"), [AttachedPlan(plans["free"], 1, 1)])
        shop = UsdcShop(
            url,
            chain,
            plans["paid"],
            plans["hostile"],
            plans["time"],
            format_did(agent.agent_id),
            [chain.accounts[9]] * 200,
        )
        yield Stall(shop, world, odd, quoter, plans, format_did(agent.agent_id), format_did(other.agent_id))
