"""`connect`: open the embedded chain, a known network by name, or any node by URL."""

from collections.abc import Sequence
from pathlib import Path

from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.dev_accounts import DEV_CHAINS, DevAccounts
from nvm_chain.chain.embedded import open_embedded
from nvm_chain.chain.networks import EMBEDDED, read_network
from nvm_chain.chain.records import explain_earlier_chain, find_record, format_searched_folder
from nvm_chain.chain.transport.ways import names_node
from nvm_chain.errors import ConnectionFailed, InvalidConfig, WrongChain
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.paths import parse_path


def connect(
    target: str | Sequence[str] = EMBEDDED,
    *,
    rpc_url: str | Sequence[str] | None = None,
    credits: str | None = None,
    agents: str | None = None,
    chain_id: int | None = None,
    records: Path | str | None = None,
) -> Chain:
    """Connect to a chain. One to four requests, and one more for each endpoint if there are several.

    A node's URL is http(s), ws(s), ``ipc:///path``, or a path that ends in ``.ipc``. Several endpoints of one chain are
    given as a list of URLs, or as text with commas between them. The first endpoint that answers is used.

    On a development chain the result's ``accounts`` are funded, and their private keys are public. On chains 31337 and
    1337 they are the accounts of anvil's and Hardhat's mnemonic. On other chains ``accounts`` is empty.

    Args:
        target: ``embedded``, the name of a known network such as ``base:sepolia``, or the URL of a node.
        rpc_url: The node to use for a known network instead of its public node. Only allowed with a network's name.
        credits: The address of Credits. If not given, it is taken from the chain's deployment record.
        agents: The address of AgentRegistry. If not given, it is taken from the chain's deployment record.
        chain_id: The expected chain id. A known network has its own.
        records: A folder of deployment records. It is searched before the package's own records.

    Raises:
        InvalidConfig: Two nodes are given, or another argument is given for the embedded chain.
        UnknownNetwork: The package knows no network with this name.
        InvalidRecord: A deployment record cannot be read, or belongs to another chain or contract.
        ConnectionFailed: The node does not answer.
        WrongChain: The node serves another chain.
        NoContract: There is no code at an address.
        DeploymentMismatch: The code at an address is not the package's.

    >>> connect()
    <Chain 131277322940537 at eth-tester>
    """
    folder = None if records is None else parse_path(records, "folder of deployment records")
    if rpc_url is not None and (target == EMBEDDED or _is_node(target)):
        named = "the embedded chain" if target == EMBEDDED else "a node by its URL"
        raise InvalidConfig(f"the target is {named}, and `rpc_url` names another node", "give one URL, `connect(url)`")
    if target == EMBEDDED:
        if (credits, agents, chain_id, records) != (None, None, None, None):
            raise InvalidConfig(
                "the embedded chain is new each time and brings its own Credits", "leave out the other arguments"
            )
        return open_embedded()
    chain = _open_node(target, rpc_url, chain_id)
    chain.searched_folder = format_searched_folder(folder)
    _locate_credits(chain, credits, folder)
    _locate_agents(chain, agents, folder)
    if chain.chain_id in DEV_CHAINS:
        chain.accounts = DevAccounts()
    return chain


def _is_node(target: str | Sequence[str]) -> bool:
    return not isinstance(target, str) or names_node(target)


def _open_node(target: str | Sequence[str], rpc_url: str | Sequence[str] | None, chain_id: int | None) -> Chain:
    """Connect to a node by URL, or to the node of a known network.

    Raises WrongChain if the chain id is not as expected.
    """
    url, expected = target, chain_id
    if isinstance(target, str) and not names_node(target):
        network = read_network(target)
        if chain_id not in (None, network.chain_id):
            raise InvalidConfig(f"{target} is chain {network.chain_id}, not {chain_id}")
        url, expected = rpc_url or network.rpc_url, network.chain_id
    chain = open_rpc(url) if rpc_url or url == target else _open_public(str(target), url)
    if expected is not None and chain.chain_id != expected:
        raise WrongChain(expected, chain.chain_id)
    return chain


def _open_public(name: str, url: str | Sequence[str]) -> Chain:
    """Connect to the public endpoint of a known network.

    If it does not answer, the error advises to give another node.
    """
    try:
        return open_rpc(url)
    except ConnectionFailed as error:
        raise error.explain(
            f"this is the public endpoint of {name}", "try again later, or give your own node with `rpc_url`"
        ) from None


def _locate_credits(chain: Chain, credits: str | None, records: Path | None) -> None:
    record = find_record(chain.chain_id, records)
    if record is not None and record.usdc is not None and chain.usdc is None:  # Circle's own USDC goes first
        chain.usdc = parse_address(record.usdc, "recorded USDC address")
    if credits is not None:
        chain.use_credits(parse_address(credits, "Credits address"))
    elif record is not None:
        with explain_earlier_chain(record, records):
            chain.use_credits(parse_address(record.address, "recorded Credits address"))


def _locate_agents(chain: Chain, agents: str | None, records: Path | None) -> None:
    """Use the given registry, or the recorded registry if it belongs to the Credits in use."""
    if agents is not None:
        chain.use_agents(parse_address(agents, "AgentRegistry address"))
        return
    record = find_record(chain.chain_id, records, "AgentRegistry")
    if record is not None and chain.has_credits(record.constructor_arguments.get("credits")):
        with explain_earlier_chain(record, records):
            chain.use_agents(parse_address(record.address, "recorded AgentRegistry address"))
