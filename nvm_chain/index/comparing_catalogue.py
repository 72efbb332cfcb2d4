"""Comparison of plans, permissions and agents in an index with the chain, at the index's block."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from eth_abi.abi import decode
from eth_typing import ChecksumAddress
from sqlalchemy import Connection

from nvm_chain.chain.answer_words import decode_bytes
from nvm_chain.chain.client import Chain
from nvm_chain.chain.multicalls import Multicall
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.index.catalogue import repair_text
from nvm_chain.index.raw_events import name_address
from nvm_chain.index.reading import describe_plan
from nvm_chain.index.rows import Row, ask, read_id
from nvm_chain.operations.bulk_parts import collect, read_parts_of_plans
from nvm_chain.types.events import Block
from nvm_chain.types.hashes import keccak
from nvm_chain.types.plans import Plan

AT_ONCE: Final = 100
PLANS: Final = "SELECT * FROM plans ORDER BY place"
PERMISSIONS: Final = """
SELECT x.plan, x.role, x.account FROM permissions x JOIN plans p ON p.plan = x.plan AND p.owner = x.owner
ORDER BY x.plan, x.role, x.account
"""
AGENTS: Final = "SELECT agent, owner, uri FROM agents ORDER BY place"
AGENT_PLANS: Final = "SELECT agent, plan, min_credits, max_credits FROM agent_plans"
FEE: Final = "SELECT fee_bps, receiver FROM fees ORDER BY place DESC LIMIT 1"
ROLES: Final = (("isRedeemer(uint256,address)", "redeemer"), ("isMinter(uint256,address)", "minter"))
ATTACHED: Final = ("(uint256,uint32,uint32)[]",)
OWNER, TOKEN_URI, PLANS_OF = (
    keccak(name)[:4] for name in (b"ownerOf(uint256)", b"tokenURI(uint256)", b"plansOf(uint256)")
)
Report = Callable[[str, Any, Any], None]


class CatalogueComparison:
    """Compares plans, permissions and agents at the block ``head``. ``report`` is called for each difference."""

    def __init__(self, connection: Connection, chain: Chain, head: Block, report: Report) -> None:
        """Take a snapshot of the index and the chain. No request."""
        self._connection, self._chain, self._head, self._report = connection, chain, head, report

    def _check(self, what: str, mine: Any, theirs: Any) -> None:
        if mine != theirs:
            self._report(what, mine, theirs)

    # ------------------------------------------------------------------ plans

    def compare_plans(self) -> int:
        """Compare the owner, the state, the URI, the fee and the terms of all plans, and return their number."""
        mine = [Plan(**describe_plan(row)) for row in ask(self._connection, PLANS)]
        found = collect(read_parts_of_plans(self._chain, [plan.plan_id for plan in mine], self._head, _decode_uri))
        for plan, theirs in zip(mine, found, strict=True):
            self._compare_plan(plan, theirs)
        self._compare_permissions()
        self._compare_fee()
        return len(mine)

    def _compare_plan(self, mine: Plan, theirs: Plan) -> None:
        for what in ("owner", "pending_owner", "active", "fee_bps", "uri", "terms"):
            name = f"{what.replace('_', ' ')} of plan {format_plan_id(mine.plan_id)}"
            self._check(name, str(getattr(mine, what)), str(getattr(theirs, what)))

    def _compare_permissions(self) -> None:
        rows = ask(self._connection, PERMISSIONS)
        calls = [
            keccak(ROLES[row.role][0].encode())[:4] + bytes(row.plan) + bytes(12) + bytes(row.account) for row in rows
        ]
        answers = self._ask(self._chain.credits.address, calls)
        for row, answer in zip(rows, answers, strict=True):
            what = f"permission of the {ROLES[row.role][1]} {name_address(bytes(row.account))}"
            self._check(
                f"{what} on plan {format_plan_id(read_id(row.plan))}", "given", "given" if any(answer) else "none"
            )

    def _compare_fee(self) -> None:
        fee_bps, receiver = self._chain.read(self._chain.credits.functions.protocolFee(), block=self._head.number)
        for row in ask(self._connection, FEE):
            self._check("protocol fee in basis points", row.fee_bps, fee_bps)
            self._check("receiver of the protocol fee", name_address(bytes(row.receiver)), receiver)

    # ------------------------------------------------------------------ agents

    def compare_agents(self) -> int:
        """Compare the number of agents, and the owner, the URI and the plans of each. Returns their number."""
        agents = ask(self._connection, AGENTS)
        count = self._chain.read(self._chain.agents.functions.agentCount(), block=self._head.number)
        self._check("number of agents", len(agents), count)
        plans: dict[int, set[tuple[int, int, int]]] = {}
        for row in ask(self._connection, AGENT_PLANS):
            attached = read_id(row.plan), row.min_credits, row.max_credits
            plans.setdefault(read_id(row.agent), set()).add(attached)
        calls = [selector + bytes(row.agent) for row in agents for selector in (OWNER, TOKEN_URI, PLANS_OF)]
        answers = self._ask(self._chain.agents.address, calls)
        for row in agents:
            self._compare_agent(row, plans.get(read_id(row.agent), set()), [next(answers) for _ in range(3)])
        return len(agents)

    def _compare_agent(self, row: Row, plans: set[tuple[int, int, int]], answers: Sequence[bytes]) -> None:
        agent = read_id(row.agent)
        owner, uri, attached = answers
        self._check(f"owner of agent {agent}", name_address(bytes(row.owner)), name_address(owner))
        self._check(f"URI of agent {agent}", row.uri, _decode_uri(uri))
        theirs = set(decode(ATTACHED, attached)[0])
        self._check(f"plans of agent {agent}", _write_plans(plans), _write_plans(theirs))

    def _ask(self, contract: ChecksumAddress, calls: Sequence[bytes]) -> Iterator[bytes]:
        """Yield the answers to calls of a contract, which all have the same length."""
        multicall = Multicall(self._chain, contract)
        for first in range(0, len(calls), AT_ONCE):
            yield from multicall.ask(calls[first : first + AT_ONCE], self._head.number, divides=False)


def _decode_uri(answer: bytes) -> str:
    """Return a URI on the chain as the index keeps it. Anybody may write bytes there that are not text."""
    return repair_text(decode_bytes(answer))


def _write_plans(plans: set[tuple[int, int, int]]) -> str:
    return ", ".join(f"{format_plan_id(plan)}={least}..{most}" for plan, least, most in sorted(plans)) or "none"
