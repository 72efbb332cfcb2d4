"""A seller in front of the page of a new plan: what the page asks the gateway, and what the seller's wallet sends."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from eth_account.signers.local import LocalAccount

from nvm_chain.chain.records import DeploymentRecord, write_record
from tests.gateway.checkout.stall import Stall, Stand
from tests.support.shell import run_cli

Answers = dict[str, Any]
TEMPLATES: dict[str, Answers] = {
    "free": {"kind": "time", "token": "free"},
    "trial": {"kind": "time", "token": "free", "trial": True},
    **{name: {"kind": "time", "price": "20"} for name in ("hour", "day", "week", "month", "year")},
    "100-requests": {"kind": "credits", "price": "20"},
    "custom": {"kind": "credits", "price": "5", "grants": "50", "mostPerRequest": "5", "expires": "30 days"},
}
"""What a seller answers for each template, with what the template has in the other fields."""


@dataclass
class Seller:
    """A seller, and the page of a gateway."""

    stand: Stand
    account: LocalAccount
    base: str = field(init=False)

    def __post_init__(self) -> None:
        self.base = f"{self.stand.gate.url}/seller/api/drafts"

    def choose(self, template: str, /, **changes: Any) -> Answers:
        """Return the choices of the seller as the page sends them."""
        return {
            "account": self.account.address,
            "template": template,
            "token": "USDC",
            **TEMPLATES[template],
            **changes,
        }

    def post(self, path: str, body: Any) -> requests.Response:
        """Send something."""
        return requests.post(f"{self.base}{path}", json=body, timeout=60)

    def review(self, template: str, **changes: Any) -> Any:
        """Return the review of a plan."""
        answer = self.post("", self.choose(template, **changes))
        assert answer.status_code == 200, answer.text
        return answer.json()

    def problems(self, template: str, /, **changes: Any) -> dict[str, tuple[str, str]]:
        """Return what has to be corrected: the type and the sentence of each problem, by its field."""
        answer = self.post("", self.choose(template, **changes))
        assert answer.status_code == 422, answer.text
        return {each["field"]: (each["type"], each["message"]) for each in answer.json()["problems"]}

    def register(self, template: str, **changes: Any) -> Any:
        """Review a plan, and register it with the seller's wallet. Return the review."""
        review = self.review(template, **changes)
        self.register_reviewed(review, template, **changes)
        return review

    def register_reviewed(self, review: Any, template: str, /, **changes: Any) -> None:
        """Register a plan that was reviewed."""
        body = {"plan": self.choose(template, **changes), "reviewed": review["reviewed"]}
        self.send(self.post("/registration", body))

    def send(self, answer: requests.Response) -> str:
        """Send a prepared transaction as a wallet does, and return its hash."""
        assert answer.status_code == 200, answer.text
        return self.stand.send(self.account, {"next": {"do": "send", **answer.json()}})

    def take_step(self, what: str, did: str, **more: str) -> str:
        """Send a transaction that lets the gateway serve on a plan."""
        return self.send(self.post("/steps", {"account": self.account.address, "planId": did, "what": what, **more}))

    def plan(self, did: str) -> Any:
        """Return how far a plan is."""
        query = {"plan": did, "account": self.account.address}
        answer = requests.get(f"{self.base}/plan", params=query, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()


def write_records(stall: Stall, folder: Path) -> None:
    """Write the records that the command finds the contracts by."""
    chain, usdc = stall.shop.chain, stall.shop.chain.usdc
    for contract, address in (("Credits", chain.credits.address), ("AgentRegistry", chain.agents.address)):
        record = DeploymentRecord(
            contract=contract,  # type: ignore[arg-type]
            chain_id=chain.chain_id,
            address=address,
            method="CREATE",
            salt=None,
            block_number=None,
            transaction_hash=None,
            deployer=None,
            constructor_arguments={"credits": chain.credits.address} if contract == "AgentRegistry" else {},
            compiler={},
            runtime_code_hash="",
            usdc=usdc,
        )
        write_record(record, folder)


def draft_by_command(stall: Stall, folder: Path, *options: str) -> Any:
    """Return what `nvm-chain plan new` answers with --dry-run for the seller of the stall."""
    where = ("--rpc", stall.shop.url, "--deployments", str(folder))
    return run_cli("plan", "new", *options, "--dry-run", "--dev-account", "1", "--json", *where).json
