"""ERC-721, its metadata, ERC-165 and ERC-6093 for agents, clause by clause, through the ABI of the standard."""

from typing import Any

import pytest
from web3.contract.contract import Contract

from nvm_chain.errors import (
    ERC721IncorrectOwner,
    ERC721InsufficientApproval,
    ERC721InvalidApprover,
    ERC721InvalidOperator,
    ERC721InvalidOwner,
    ERC721InvalidReceiver,
    ERC721NonexistentToken,
)
from tests.support.agents import Agents, moved
from tests.support.probes import deploy_probe
from tests.support.reverts import reverts
from tests.support.world import ZERO, World

DATA = b"\x00passed on as it is\xff" + bytes(100)


@pytest.fixture
def token(agents: Agents) -> int:
    """An agent of the builder's, whom nobody is approved for."""
    return agents.register()


def approval(owner: str, approved: str, token: int) -> tuple[str, dict[str, Any]]:
    return ("Approval", {"owner": owner, "approved": approved, "tokenId": token})


# ---------------------------------------------------------------------- ERC-165, metadata


@pytest.mark.parametrize("interface_id", ["01ffc9a7", "80ac58cd", "5b5e139f"])
def test_supports_interface__of_the_standards_it_follows__is_true(
    world: World, agents: Agents, interface_id: str
) -> None:
    """ERC-165, ERC-721, ERC-721 metadata."""
    assert world.read(agents.functions.supportsInterface(bytes.fromhex(interface_id))) is True


@pytest.mark.parametrize("interface_id", ["ffffffff", "00000000", "780e9d63", "d9b67a26", "150b7a02"])
def test_supports_interface__of_any_other__is_false(world: World, agents: Agents, interface_id: str) -> None:
    """Nothing, nothing, ERC-721 enumerable, ERC-1155, the ERC-721 receiver."""
    assert world.read(agents.functions.supportsInterface(bytes.fromhex(interface_id))) is False


def test_metadata__has_name_symbol_and_uri(world: World, agents: Agents, token: int) -> None:
    functions = agents.functions
    assert [world.read(functions.name()), world.read(functions.symbol())] == ["nvm_chain agents", "AGENT"]
    assert world.read(functions.tokenURI(token)) == "https://example.com/agent.json"


# ---------------------------------------------------------------------- balances and owners


def test_balance_of__counts_what_an_owner_has(world: World, agents: Agents, token: int) -> None:
    agents.register()
    agents.transfer(token, world.stranger)
    balances = [
        world.read(agents.functions.balanceOf(getattr(world, role).address)) for role in ("builder", "stranger")
    ]
    assert balances == [1, 1]
    assert world.read(agents.functions.balanceOf(world.subscriber.address)) == 0


def test_balance_of__zero_address__reverts(world: World, agents: Agents) -> None:
    with reverts(ERC721InvalidOwner(ZERO)):
        world.read(agents.functions.balanceOf(ZERO))


@pytest.mark.parametrize("name", ["ownerOf", "getApproved", "tokenURI"])
def test_read__of_a_token_that_is_not_there__reverts(world: World, agents: Agents, token: int, name: str) -> None:
    for unknown in (0, token + 1):
        with reverts(ERC721NonexistentToken(unknown)):
            world.read(agents.functions[name](unknown))


# ---------------------------------------------------------------------- approvals


def test_approve__by_owner_or_operator__sets_replaces_and_emits(world: World, agents: Agents, token: int) -> None:
    functions, owner = agents.functions, world.builder
    world.send(owner, functions.setApprovalForAll(world.partner.address, True))
    for caller, approved in ((owner, world.other.address), (world.partner, world.stranger.address), (owner, ZERO)):
        receipt = world.send(caller, functions.approve(approved, token))
        assert agents.events(receipt) == [approval(owner.address, approved, token)]
        assert world.read(functions.getApproved(token)) == approved


def test_approve__by_the_approved_or_a_stranger__reverts(world: World, agents: Agents, token: int) -> None:
    world.send(world.builder, agents.functions.approve(world.other.address, token))
    for caller in (world.other, world.stranger):
        with reverts(ERC721InvalidApprover(caller.address)):
            world.send(caller, agents.functions.approve(caller.address, token))


@pytest.mark.parametrize("approved", [True, False])
def test_set_approval_for_all__sets_and_emits(world: World, agents: Agents, approved: bool) -> None:
    owner, operator = world.builder.address, world.partner.address
    receipt = world.send(world.builder, agents.functions.setApprovalForAll(operator, approved))
    assert agents.events(receipt) == [("ApprovalForAll", {"owner": owner, "operator": operator, "approved": approved})]
    assert world.read(agents.functions.isApprovedForAll(owner, operator)) is approved
    assert world.read(agents.functions.isApprovedForAll(operator, owner)) is False


def test_set_approval_for_all__of_zero__reverts(world: World, agents: Agents) -> None:
    with reverts(ERC721InvalidOperator(ZERO)):
        world.send(world.builder, agents.functions.setApprovalForAll(ZERO, True))


# ---------------------------------------------------------------------- transfers


@pytest.mark.parametrize("role", ["builder", "partner", "other"])
@pytest.mark.parametrize("name", ["transferFrom", "safeTransferFrom"])
def test_transfer__by_owner_operator_or_approved__moves_and_ends_the_approval(
    world: World, agents: Agents, agent_id: int, name: str, role: str
) -> None:
    sender, receiver = world.builder.address, world.stranger.address
    receipt = world.send(getattr(world, role), agents.functions[name](sender, receiver, agent_id))
    assert agents.events(receipt) == [moved(sender, receiver, agent_id)]
    assert world.read(agents.functions.ownerOf(agent_id)) == receiver
    assert world.read(agents.functions.getApproved(agent_id)) == ZERO
    with reverts(ERC721InsufficientApproval(world.builder.address, agent_id)):
        world.send(world.builder, agents.functions.transferFrom(receiver, sender, agent_id))


def test_transfer__keeps_plans_and_uri(world: World, agents: Agents, agent_id: int, plan_id: int) -> None:
    uri = world.read(agents.functions.tokenURI(agent_id))
    agents.transfer(agent_id, world.stranger)
    assert agents.plans_of(agent_id) == [(plan_id, 1, 5)]
    assert world.read(agents.functions.tokenURI(agent_id)) == uri


def test_transfer__from_another_than_the_owner__reverts(world: World, agents: Agents, token: int) -> None:
    wrong = world.stranger.address
    with reverts(ERC721IncorrectOwner(wrong, token, world.builder.address)):
        world.send(world.builder, agents.functions.transferFrom(wrong, world.other.address, token))


def test_transfer__to_zero__reverts(world: World, agents: Agents, token: int) -> None:
    """Nobody can destroy an agent."""
    for function in (agents.functions.transferFrom, agents.functions.safeTransferFrom):
        with reverts(ERC721InvalidReceiver(ZERO)):
            world.send(world.builder, function(world.builder.address, ZERO, token))


def test_transfer__of_a_token_that_is_not_there__reverts(world: World, agents: Agents) -> None:
    with reverts(ERC721NonexistentToken(1)):
        world.send(world.builder, agents.functions.transferFrom(world.builder.address, world.other.address, 1))


# ---------------------------------------------------------------------- the hook


@pytest.fixture
def taker(world: World) -> Contract:
    return world.deploy("TakesAgents")


@pytest.mark.parametrize("data", [None, b"", DATA], ids=["none", "empty", "some"])
def test_safe_transfer__to_a_contract__calls_its_hook_with_everything(
    world: World, agents: Agents, token: int, taker: Contract, data: bytes | None
) -> None:
    world.send(world.builder, agents.functions.setApprovalForAll(world.partner.address, True))
    arguments = (world.builder.address, taker.address, token, *([] if data is None else [data]))
    world.send(world.partner, agents.functions.safeTransferFrom(*arguments))
    called = [world.read(taker.functions[name]()) for name in ("operator", "from", "tokenId", "data")]
    assert called == [world.partner.address, world.builder.address, token, data or b""]
    assert world.read(agents.functions.ownerOf(token)) == taker.address


@pytest.mark.parametrize("answer", ["00000000", "ffffffff", "f23a6e61"])
def test_safe_transfer__to_a_contract_that_answers_otherwise__reverts(
    world: World, agents: Agents, token: int, taker: Contract, answer: str
) -> None:
    world.send(world.builder, taker.functions.setAnswer(bytes.fromhex(answer)))
    with reverts(ERC721InvalidReceiver(taker.address)):
        world.send(world.builder, agents.functions.safeTransferFrom(world.builder.address, taker.address, token))


def test_safe_transfer__to_a_contract_without_hook__reverts_and_a_plain_one_does_not(
    world: World, agents: Agents, token: int
) -> None:
    wallet = world.deploy("Actor")
    with reverts(ERC721InvalidReceiver(wallet.address)):
        world.send(world.builder, agents.functions.safeTransferFrom(world.builder.address, wallet.address, token))
    world.send(world.builder, agents.functions.transferFrom(world.builder.address, wallet.address, token))
    assert world.read(agents.functions.ownerOf(token)) == wallet.address


# ---------------------------------------------------------------------- clauses about the rest of an agent's life


def test_transfer_event__of_a_new_token__comes_from_zero(world: World, agents: Agents) -> None:
    """Transfer: emitted when ownership changes by any mechanism, from zero where a token is created."""
    receipt = world.send(world.builder, agents.functions.register("", []))
    assert agents.events(receipt)[0] == moved(ZERO, world.builder.address, 1)


def test_register__to_a_contract__does_not_ask_its_hook(world: World, agents: Agents) -> None:
    """onERC721Received is for safe transfers: whoever registers is the owner, wallet or not, as the standard leaves open."""
    wallet = world.deploy("Actor")
    world.send(
        world.stranger, wallet.functions.call(agents.contract.address, 0, _data(agents.functions.register("", [])))
    )
    assert world.read(agents.functions.ownerOf(1)) == wallet.address


def _data(function: Any) -> str:
    return str(function._encode_transaction_data())


def test_operators__of_one_owner__may_be_many(world: World, agents: Agents, token: int) -> None:
    """setApprovalForAll: the contract MUST allow multiple operators for each owner."""
    functions = agents.functions
    for role in ("partner", "other"):
        world.send(world.builder, functions.setApprovalForAll(getattr(world, role).address, True))
    second = agents.register()
    world.send(world.partner, functions.transferFrom(world.builder.address, world.partner.address, token))
    world.send(world.other, functions.transferFrom(world.builder.address, world.other.address, second))
    owners = [world.read(functions.ownerOf(each)) for each in (token, second)]
    assert owners == [world.partner.address, world.other.address]


def test_operator__after_it_was_taken_back__may_do_nothing(world: World, agents: Agents, token: int) -> None:
    """transferFrom: throws unless the caller is owner, approved or an authorized operator, now."""
    functions = agents.functions
    for approved in (True, False):
        world.send(world.builder, functions.setApprovalForAll(world.partner.address, approved))
    with reverts(ERC721InsufficientApproval(world.partner.address, token)):
        world.send(world.partner, functions.transferFrom(world.builder.address, world.partner.address, token))


@pytest.mark.parametrize("left", [0, 1])
def test_hook__when_called__finds_the_transfer_done(world: World, agents: Agents, token: int, left: int) -> None:
    """safeTransferFrom: the hook is called after the transfer. A taker that insists on what is left to the sender hears 0."""
    functions, sender = agents.functions, world.builder.address
    taker = deploy_probe(world, functions.balanceOf(sender), left, bytes.fromhex("150b7a02"))
    call = functions.safeTransferFrom(sender, taker, token)
    if left:
        with reverts(ERC721InvalidReceiver(taker)):
            world.send(world.builder, call)
        return
    world.send(world.builder, call)
    assert world.read(functions.ownerOf(token)) == taker


def test_functions__take_no_coin__as_the_standard_allows(agents: Agents) -> None:
    """Caveats: the interface says payable, and a contract may be stricter; ours never keeps coin."""
    kinds = {entry["stateMutability"] for entry in agents.contract.abi if entry["type"] == "function"}
    assert "payable" not in kinds


def test_token_uri__is_kept_as_it_is_and_throws_for_no_token(world: World, agents: Agents, token: int) -> None:
    """Metadata: tokenURI throws if the id is no valid token; the URI's form is for its owner to keep."""
    world.send(world.builder, agents.functions.setAgentUri(token, "no uri at all"))
    assert world.read(agents.functions.tokenURI(token)) == "no uri at all"
    with reverts(ERC721NonexistentToken(token + 1)):
        world.read(agents.functions.tokenURI(token + 1))


def test_ids__never_change_and_are_never_used_twice(world: World, agents: Agents, token: int) -> None:
    """NFT identifiers: unique within the contract, for its life. No token can be destroyed, so no id comes back."""
    agents.transfer(token, world.other)
    assert agents.register() == token + 1
    assert world.read(agents.functions.ownerOf(token)) == world.other.address
