"""Session of a Payments object: its account, chain, stores and gateway."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from eth_typing import ChecksumAddress

from nvm_chain.chain.client import Chain
from nvm_chain.chain.urls import redact_url
from nvm_chain.client.ceilings import Ceilings, MemoryCeilings
from nvm_chain.errors import InputError, InvalidConfig, MetadataMismatch, NvmChainError, StorageError
from nvm_chain.errors.secrets import hide_keys
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata
from nvm_chain.operations.agents import read_agent, read_agent_plans, read_agent_uri, read_plan_agents
from nvm_chain.operations.credits import read_account
from nvm_chain.operations.plans import read_plan, read_plan_state, read_terms
from nvm_chain.operations.publishing import load_agent_metadata, load_plan_metadata
from nvm_chain.payments.id_kinds import explain_id
from nvm_chain.signing.keys import Signer
from nvm_chain.storage.stores import InlineStore, MetadataStore
from nvm_chain.types.accounts import Account
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.agents import Agent, AttachedPlan
from nvm_chain.types.plans import Plan, PlanState, Terms

NO_AGREEMENT: Final = (None, "", "0x")
"""Agreement id that means no agreement in the hosted API."""
_BASE_URL: Final = re.compile(r"https?://[^\s/?#@\\]+(?:/[^\s?#\\]*)?")


@dataclass(frozen=True, slots=True)
class Gateway:
    """Gateway of the seller: its base URL, and the address that redeems the vouchers of requests.

    Raises InvalidConfig, InvalidAddress.

    >>> Gateway("https://gateway.example.com/", "0x" + "11" * 20).url
    'https://gateway.example.com'
    """

    url: str
    redeemer: str

    def __post_init__(self) -> None:
        """Check the URL and the address. Raises InvalidConfig, InvalidAddress."""
        if not _BASE_URL.fullmatch(str(self.url)):
            shown = hide_keys(str(self.url))[:90]  # it may be a key in the wrong place
            raise InvalidConfig(
                f"a gateway's address is an http or https URL, without a user name or a query, not {shown!r}"
            )
        object.__setattr__(self, "url", str(self.url).rstrip("/"))
        object.__setattr__(self, "redeemer", parse_address(self.redeemer, "gateway's redeemer"))

    def __repr__(self) -> str:
        """Show the redeemer and the host. The path is left out, because it may contain a key."""
        return f"Gateway(url={redact_url(self.url)!r}, redeemer={self.redeemer!r})"


Kept = TypeVar("Kept")


def _load(load: Callable[[], Kept]) -> tuple[Kept | None, str]:
    """Return a metadata document and no reason, or None and the reason for its absence."""
    try:
        return load(), ""
    except MetadataMismatch:
        raise
    except (StorageError, InputError) as error:
        return None, f"it cannot be used: {error}"


@dataclass(slots=True)
class Session:
    """Shared state of all parts of a Payments object."""

    chain: Chain
    signer: Signer
    store: MetadataStore = field(default_factory=InlineStore)
    gateway: Gateway | None = None
    allow_file_urls: bool = False
    ceilings: Ceilings = field(default_factory=MemoryCeilings)
    """Ceilings of the signed vouchers."""
    agreements: dict[str, set[int]] = field(default_factory=dict)
    """Plans of this session's orders, by the name of the order."""
    taken_back: int = 0
    """How many vouchers were taken back. Each makes later ones valid for a second longer, so that none equals a spent one."""

    @property
    def address(self) -> ChecksumAddress:
        """Address of the account."""
        return self.signer.address

    def read_plan(self, plan_id: int | str) -> tuple[Plan, PlanMetadata | None, str]:
        """Read a plan and its metadata. For unreadable metadata return the reason.

        Makes three requests, and those of the store.

        Raises:
            UnknownPlan: The plan is not registered.
            IdOfAnotherKind: The id belongs to an asset.
            MetadataMismatch: The document does not have the registered hash.
        """
        with explain_id(self.chain, plan_id, "a plan"):
            plan = read_plan(self.chain, plan_id)
        return plan, *_load(lambda: load_plan_metadata(plan.uri, [self.store]))

    def read_plan_state(self, plan_id: int | str) -> PlanState:
        """Read a plan without its metadata. Two requests. Raises UnknownPlan, IdOfAnotherKind."""
        with explain_id(self.chain, plan_id, "a plan"):
            return read_plan_state(self.chain, plan_id)

    def read_plan_uri(self, plan_id: int | str) -> str:
        """Read the URI of a plan's metadata. Three requests. Raises UnknownPlan, IdOfAnotherKind."""
        with explain_id(self.chain, plan_id, "a plan"):
            return read_plan(self.chain, plan_id).uri

    def read_terms(self, plan_id: int | str) -> Terms:
        """Read a plan's terms. One request. Raises UnknownPlan, IdOfAnotherKind."""
        with explain_id(self.chain, plan_id, "a plan"):
            return read_terms(self.chain, plan_id)

    def read_agent(self, agent_id: int | str, wanted: str = "an agent") -> tuple[Agent, AgentMetadata | None, str]:
        """Read an agent and its metadata. For unreadable metadata return the reason.

        The requests and errors are those of `read_plan`.
        """
        with explain_id(self.chain, agent_id, wanted):
            agent = read_agent(self.chain, agent_id)
        return agent, *_load(lambda: load_agent_metadata(agent.uri, [self.store]))

    def read_agent_uri(self, agent_id: int | str, wanted: str) -> str:
        """Read the URI of an agent's metadata. One request. Raises ERC721NonexistentToken, IdOfAnotherKind."""
        with explain_id(self.chain, agent_id, wanted):
            return read_agent_uri(self.chain, agent_id)

    def read_agent_plans(self, agent_id: int | str, wanted: str = "an agent") -> tuple[AttachedPlan, ...]:
        """Read the plans that an agent accepts. One request. Raises ERC721NonexistentToken, IdOfAnotherKind."""
        with explain_id(self.chain, agent_id, wanted):
            return read_agent_plans(self.chain, agent_id)

    def read_plan_assets(self, plan_id: int | str) -> Iterator[tuple[int, AgentMetadata | None]]:
        """Yield the ids of the agents that accept a plan, with their metadata. None for unreadable or changed metadata."""
        for agent_id in read_plan_agents(self.chain, plan_id):
            uri, metadata = read_agent_uri(self.chain, agent_id), None
            with suppress(NvmChainError):
                metadata = load_agent_metadata(uri, [self.store])
            yield agent_id, metadata

    def read_account(self, plan_id: int | str, holder: str | None) -> tuple[ChecksumAddress, Account]:
        """Read an account on a plan. The default is this session's account. Makes one request. Raises InvalidAddress."""
        address = self.address if holder is None else parse_address(holder, "account address")
        return address, read_account(self.chain, plan_id, address)

    def is_open(self, account: Account) -> bool:
        """Return whether an account's access window is open by the chain's clock.

        Makes one request, or none if the account never had access.
        """
        return account.access_until > 0 and account.access_until > self.chain.read_time()

    def is_subscriber(self, account: Account) -> bool:
        """Return whether an account has credits, or an open access window. Makes at most one request."""
        return account.balance > 0 or self.is_open(account)
