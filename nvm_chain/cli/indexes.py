"""The index of a command: its option, where it is if no option names it, and amounts of money without a chain."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.amounts import find_label
from nvm_chain.cli.command import (
    CHAIN,
    Command,
    SectionOption,
    answer_options,
    chain_options,
    index_option,
    session_command,
)
from nvm_chain.cli.lazy import (
    addresses,
    amounts,
    errors,
    index_database,
    networks,
    periods,
    records,
    state_folder,
    terms_money,
    token_labels,
)
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.ranges import find_deployment_block
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.index.database import Index
    from nvm_chain.types.token_labels import TokenLabel

FOLLOW: Final = "run `nvm-chain index run` first, or give the index with --index"


def index_command(name: str, *, examples: Sequence[str]) -> Callable[[Callable[..., None]], Command]:
    """Turn a function into a command about an index. The function gets a Session, then its own parameters."""
    agents = SectionOption(
        "--agents", section=CHAIN, type=Address(), help="Address of AgentRegistry. Default: the recorded address."
    )
    return session_command(name, [index_option(), *chain_options(), agents, *answer_options()], examples)


@contextmanager
def open_index(session: Session) -> "Iterator[Index]":
    """Open the index of a command to read it. Connects to the chain only if no option names the index.

    Raises:
        IndexFailure: The index is not there, or is not usable.
        OtherChain: The index belongs to another chain than the options say.
    """
    chain = session.chain or (session.connect() if session.index is None else None)
    where = find_place(chain) if chain is not None and session.index is None else session.index or ""
    index = _open(session, chain, where)
    try:
        yield index
    finally:
        index.close()


def _open(session: Session, chain: "Chain | None", where: str | Path) -> "Index":
    try:
        if chain is not None:
            return index_database.open_index(where, chain_id=chain.chain_id, credits=chain.credits.address)
        return index_database.open_index(
            where, chain_id=session.chain_id, credits=session.credits, agents=session.agents
        )
    except errors.IndexUnavailable as error:
        if session.index is None:
            error.explain(f"there is no index of chain {chain.chain_id if chain else ''} yet", FOLLOW)
        raise


@contextmanager
def open_own_index(session: Session, chain: "Chain") -> "Iterator[Index]":
    """Open the index of a chain to write it, and make it if there is none."""
    where = session.index or find_place(chain)
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
    index = index_database.open_index(
        where,
        chain_id=chain.chain_id,
        credits=chain.credits.address,
        agents=find_agents(chain),
        first_block=find_deployment_block(session, chain),
        create=True,
    )
    try:
        yield index
    finally:
        index.close()


def find_agents(chain: "Chain") -> str | None:
    """Return the address of the AgentRegistry in use, or None."""
    with suppress(errors.NoDeployment):
        return chain.agents.address
    return None


def find_place(chain: "Chain") -> Path:
    """Return the file of the index of a chain and its Credits, in the state folder.

    Raises InvalidConfig if the user has no home folder.
    """
    folder = state_folder.find_state_folder()
    if folder is None:
        raise errors.InvalidConfig("there is no state folder for an index", "give the file with --index")
    return folder / f"index-{chain.chain_id}-{chain.credits.address.lower()}.db"


class Money:
    """Formats amounts in the tokens of an index. Without a chain, only the native coin and USDC have names."""

    def __init__(self, session: Session, index: "Index") -> None:
        """Find the USDC of the index's chain. No request."""
        self._chain = session.chain
        record = records.find_record(index.state.chain_id, session.deployments)
        is_of_record = record is not None and record.address == index.state.credits
        self.usdc: Any = record.usdc if record is not None and is_of_record else None
        self.usdc = self.usdc or networks.find_usdc(index.state.chain_id)

    def format(self, token: str, base_units: int) -> str:
        """Format an amount for people. Makes requests only for tokens that are not known."""
        return terms_money.write_money(base_units, token, self.find_label(token))

    def find_label(self, token: str) -> "TokenLabel | None":
        """Return the symbol and decimals of a token, or None. Makes requests only for tokens that are not known."""
        if self._chain is not None:
            return find_label(self._chain, token)
        if token == addresses.ZERO_ADDRESS:
            return token_labels.TokenLabel("ETH", amounts.NATIVE_DECIMALS)
        return token_labels.TokenLabel("USDC", amounts.USDC_DECIMALS) if token == self.usdc else None


def parse_time(moment: str | None, name: str) -> int | None:
    """Return the Unix second of an option, or None."""
    return None if moment is None else periods.parse_moment(moment, name)
