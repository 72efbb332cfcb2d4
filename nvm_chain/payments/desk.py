"""The desk: who acts through a Payments object, on which chain, with which stores and gateway."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from eth_typing import ChecksumAddress

from nvm_chain.addresses import parse_address
from nvm_chain.agent_types import Agent
from nvm_chain.agents import read_agent, read_plan_agents
from nvm_chain.assets import load_agent_metadata, load_plan_metadata
from nvm_chain.chain import Chain
from nvm_chain.credits import read_account
from nvm_chain.errors import InvalidConfig, NvmChainError
from nvm_chain.keys import Signer
from nvm_chain.metadata import AgentMetadata, PlanMetadata
from nvm_chain.plans import read_plan
from nvm_chain.storage import InlineStore, MetadataStore
from nvm_chain.types import Account, Plan

logger = logging.getLogger("nvm_chain")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The seller's gateway: its base URL, and the address that redeems the vouchers which requests carry.

    Raises InvalidConfig, InvalidAddress.

    >>> Gateway("https://gateway.example.com/", "0x" + "11" * 20).url
    'https://gateway.example.com'
    """

    url: str
    redeemer: str

    def __post_init__(self) -> None:
        """Check both."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            raise InvalidConfig(
                f"a gateway's address is an http or https URL without a user name, not {self.url[:90]!r}"
            )
        object.__setattr__(self, "url", self.url.rstrip("/"))
        object.__setattr__(self, "redeemer", parse_address(self.redeemer, "gateway's redeemer"))


@dataclass(slots=True)
class Desk:
    """What all parts of a Payments object share. ``ceilings`` are the highest that were signed here, by plan."""

    chain: Chain
    signer: Signer
    store: MetadataStore = field(default_factory=InlineStore)
    gateway: Gateway | None = None
    allow_file_urls: bool = False
    ceilings: dict[int, int] = field(default_factory=dict)
    agreements: dict[str, int] = field(default_factory=dict)
    """Plans that were ordered here under a name of the caller's."""

    @property
    def address(self) -> ChecksumAddress:
        """Who acts."""
        return self.signer.address

    def warn(self, sentence: str) -> None:
        """Log a warning."""
        logger.warning(sentence)

    def read_plan(self, plan_id: int | str) -> tuple[Plan, PlanMetadata | None]:
        """Read a plan and its metadata. Three requests, and what its store needs."""
        plan = read_plan(self.chain, plan_id)
        return plan, load_plan_metadata(plan.uri, [self.store])

    def read_agent(self, agent_id: int | str) -> tuple[Agent, AgentMetadata | None]:
        """Read an agent and its metadata. Three requests, and what its store needs."""
        agent = read_agent(self.chain, agent_id)
        return agent, load_agent_metadata(agent.uri, [self.store])

    def read_plan_assets(self, plan_id: int | str) -> Iterator[tuple[Agent, AgentMetadata | None]]:
        """Yield the agents that accept a plan; metadata that cannot be read, of a store not configured here, is None."""
        for agent_id in read_plan_agents(self.chain, plan_id):
            agent, metadata = read_agent(self.chain, agent_id), None
            with suppress(NvmChainError):
                metadata = load_agent_metadata(agent.uri, [self.store])
            yield agent, metadata

    def read_account(self, plan_id: int | str, holder: str | None) -> tuple[ChecksumAddress, Account]:
        """Read an account on a plan, this desk's own if nobody is named. One request. Raises InvalidAddress."""
        address = self.address if holder is None else parse_address(holder, "account address")
        return address, read_account(self.chain, plan_id, address)

    def is_open(self, account: Account) -> bool:
        """Tell whether an account's access window is open by the chain's clock. One request, none if it never was."""
        return account.access_until > 0 and account.access_until > self.chain.read_time()

    def is_subscriber(self, account: Account) -> bool:
        """Tell whether an account has credits, or an open access window. At most one request."""
        return account.balance > 0 or self.is_open(account)
