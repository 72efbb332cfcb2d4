"""ERC-1155 with its metadata extension and ERC-6093, clause by clause. Each docstring names the clause in our words.

The rest of the house calls functions through the package's ABI of Credits. Here everything goes through the ABI of the
standard, written out below, as a wallet or an exchange would that knows nothing of Credits.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi.abi import encode
from web3.contract.contract import Contract
from web3.logs import DISCARD
from web3.types import TxReceipt

from nvm_chain.errors import (
    ERC1155InvalidArrayLength,
    ERC1155InvalidReceiver,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    NotTransferable,
    RevertedWithoutReason,
)
from tests.support.events import selector
from tests.support.plans import expiring, from_purchase
from tests.support.reentry import arm, outcome_of, send_coin
from tests.support.reverts import reverts
from tests.support.signed import register_with_redeemer, settle, sign_item
from tests.support.world import MAX_FEE_BPS, NO_CONTEXT, ZERO, World

ACCEPTED = bytes.fromhex("f23a6e61")
BATCH_ACCEPTED = bytes.fromhex("bc197c81")
DATA = b"\x00passed on as it is\xff" + bytes(100)


def _function(name: str, inputs: list[str], outputs: list[str], mutability: str = "view") -> dict[str, Any]:
    return {
        "type": "function",
        "name": name,
        "stateMutability": mutability,
        "inputs": [{"name": f"a{index}", "type": kind} for index, kind in enumerate(inputs)],
        "outputs": [{"name": "", "type": kind} for kind in outputs],
    }


def _event(name: str, *inputs: tuple[str, str, bool]) -> dict[str, Any]:
    fields = [{"name": field, "type": kind, "indexed": indexed} for field, kind, indexed in inputs]
    return {"type": "event", "name": name, "anonymous": False, "inputs": fields}


_MOVEMENT = (("operator", "address", True), ("from", "address", True), ("to", "address", True))
STANDARD_ABI = [
    _function("supportsInterface", ["bytes4"], ["bool"]),
    _function("balanceOf", ["address", "uint256"], ["uint256"]),
    _function("balanceOfBatch", ["address[]", "uint256[]"], ["uint256[]"]),
    _function("setApprovalForAll", ["address", "bool"], [], "nonpayable"),
    _function("isApprovedForAll", ["address", "address"], ["bool"]),
    _function("safeTransferFrom", ["address", "address", "uint256", "uint256", "bytes"], [], "nonpayable"),
    _function("safeBatchTransferFrom", ["address", "address", "uint256[]", "uint256[]", "bytes"], [], "nonpayable"),
    _function("uri", ["uint256"], ["string"]),
    _event("TransferSingle", *_MOVEMENT, ("id", "uint256", False), ("value", "uint256", False)),
    _event("TransferBatch", *_MOVEMENT, ("ids", "uint256[]", False), ("values", "uint256[]", False)),
    _event("ApprovalForAll", ("owner", "address", True), ("operator", "address", True), ("approved", "bool", False)),
    _event("URI", ("value", "string", False), ("id", "uint256", True)),
]


class Token:
    """Credits seen as an ERC-1155 contract, with two transferable ids, of which the subscriber has 10 each."""

    def __init__(self, world: World) -> None:
        """Register the plans."""
        self.world = world
        self.contract: Contract = world.chain.bind(world.credits.address, STANDARD_ABI)
        self.functions = self.contract.functions
        self.ids = [world.register(transferable=True) for _ in range(2)]
        self.holder = world.subscriber.address
        for plan_id in self.ids:
            world.grant(plan_id, self.holder, 10)

    def send(self, function: Any, role: str = "subscriber") -> list[tuple[str, dict[str, Any]]]:
        """Send a call and return the standard's events, in order."""
        return list(self.events(self.world.send(getattr(self.world, role), function)))

    def events(self, receipt: TxReceipt) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the standard's events of a transaction."""
        for log in receipt["logs"]:
            for name in ("TransferSingle", "TransferBatch", "ApprovalForAll", "URI"):
                event = self.contract.events[name]
                for found in event().process_receipt({**receipt, "logs": [log]}, errors=DISCARD):
                    if found["address"] == self.contract.address:
                        yield found["event"], dict(found["args"])

    def balances(self, holder: str) -> list[int]:
        """Return a holder's balances of both ids."""
        balances: list[int] = self.world.read(self.functions.balanceOfBatch([holder] * 2, self.ids))
        return balances

    def transfer(self, to: str, value: int, data: bytes = b"", sender: str | None = None) -> Any:
        """Return a transfer of the first id."""
        return self.functions.safeTransferFrom(sender or self.holder, to, self.ids[0], value, data)

    def batch(self, to: str, values: list[int], data: bytes = b"", ids: list[int] | None = None) -> Any:
        """Return a transfer of both ids."""
        return self.functions.safeBatchTransferFrom(self.holder, to, self.ids if ids is None else ids, values, data)


@pytest.fixture
def token(world: World) -> Token:
    return Token(world)


def _movement(operator: str, sender: str, receiver: str) -> dict[str, Any]:
    return {"operator": operator, "from": sender, "to": receiver}


# ---------------------------------------------------------------- safeTransferFrom


@pytest.mark.parametrize("value", [0, 1, 10])
def test_erc1155__single_transfer__moves_value_and_emits_transfer_single(token: Token, value: int) -> None:
    """Balances change by the value; TransferSingle must be emitted, for a value of zero as well."""
    receiver = token.world.other.address
    events = token.send(token.transfer(receiver, value))
    assert events == [
        ("TransferSingle", {**_movement(token.holder, token.holder, receiver), "id": token.ids[0], "value": value})
    ]
    assert (token.balances(token.holder), token.balances(receiver)) == ([10 - value, 10], [value, 0])


def test_erc1155__single_transfer__needs_approval(token: Token) -> None:
    """The caller must be approved to manage the tokens of `from`."""
    stranger = token.world.stranger.address
    with reverts(ERC1155MissingApprovalForAll(stranger, token.holder)):
        token.send(token.transfer(stranger, 1), "stranger")


def test_erc1155__single_transfer_by_operator__names_the_operator(token: Token) -> None:
    """`operator` must be the account that is approved to make the transfer, and should be the caller."""
    operator = token.world.other.address
    token.send(token.functions.setApprovalForAll(operator, True))
    [(name, arguments)] = token.send(token.transfer(token.world.partner.address, 1), "other")
    assert (name, arguments["operator"], arguments["from"]) == ("TransferSingle", operator, token.holder)


def test_erc1155__single_transfer_to_zero__reverts(token: Token) -> None:
    """Must revert if `to` is the zero address."""
    with reverts(ERC1155InvalidReceiver(ZERO)):
        token.send(token.transfer(ZERO, 1))


def test_erc1155__single_transfer_above_balance__reverts(token: Token) -> None:
    """Must revert if the balance is lower than the value."""
    with reverts(InsufficientCredits(token.ids[0], token.holder, 10, 11)):
        token.send(token.transfer(token.world.other.address, 11))


def test_erc1155__owner__needs_no_approval_of_oneself(token: Token) -> None:
    """An owner should be assumed to be able to operate on own tokens."""
    assert token.world.read(token.functions.isApprovedForAll(token.holder, token.holder)) is False
    token.send(token.transfer(token.world.other.address, 1))
    assert token.balances(token.holder) == [9, 10]


# ---------------------------------------------------------------- safeBatchTransferFrom


def test_erc1155__batch_transfer__moves_in_order_and_emits(token: Token) -> None:
    """All changes must be in events, ids and values as and in the order they were given."""
    receiver = token.world.other.address
    ids = [token.ids[1], token.ids[0]]
    events = token.send(token.batch(receiver, [3, 4], ids=ids))
    assert events == [
        ("TransferBatch", {**_movement(token.holder, token.holder, receiver), "ids": ids, "values": [3, 4]})
    ]
    assert token.balances(receiver) == [4, 3]


@pytest.mark.parametrize("values", [[], [1], [1, 1, 1]])
def test_erc1155__batch_transfer_of_unequal_lists__reverts(token: Token, values: list[int]) -> None:
    """Must revert if the lengths of ids and values differ."""
    with reverts(ERC1155InvalidArrayLength(2, len(values))):
        token.send(token.batch(token.world.other.address, values))


def test_erc1155__batch_transfer_to_zero__reverts(token: Token) -> None:
    """Must revert if `to` is the zero address."""
    with reverts(ERC1155InvalidReceiver(ZERO)):
        token.send(token.batch(ZERO, [1, 1]))


@pytest.mark.parametrize("values", [[11, 1], [1, 11]])
def test_erc1155__batch_transfer_above_any_balance__moves_nothing(token: Token, values: list[int]) -> None:
    """Must revert if any balance is lower than its value."""
    short = token.ids[values.index(11)]
    with reverts(InsufficientCredits(short, token.holder, 10, 11)):
        token.send(token.batch(token.world.other.address, values))
    assert token.balances(token.holder) == [10, 10]


def test_erc1155__batch_transfer__needs_approval(token: Token) -> None:
    """The caller must be approved to manage all the tokens of `from`."""
    stranger = token.world.stranger.address
    with reverts(ERC1155MissingApprovalForAll(stranger, token.holder)):
        token.send(token.batch(stranger, [0, 0]), "stranger")


def test_erc1155__batch_transfer_with_an_id_twice__is_checked_one_after_the_other(token: Token) -> None:
    """Changes must occur in the order of the lists, so the second is measured against what the first left."""
    twice = [token.ids[0]] * 2
    with reverts(InsufficientCredits(token.ids[0], token.holder, 2, 3)):
        token.send(token.batch(token.world.other.address, [8, 3], ids=twice))
    token.send(token.batch(token.world.other.address, [8, 2], ids=twice))
    assert token.balances(token.holder) == [0, 10]


# ---------------------------------------------------------------- reads and approvals


def test_erc1155__balance_of_batch__answers_pair_by_pair(token: Token) -> None:
    """The balance of each (owner, id) pair, in order."""
    other = token.world.other.address
    token.send(token.transfer(other, 3))
    function = token.functions.balanceOfBatch([other, token.holder, other], [token.ids[0], token.ids[0], token.ids[1]])
    assert token.world.read(function) == [3, 7, 0]


@pytest.mark.parametrize("approved", [True, False])
def test_erc1155__approval__emits_and_is_shown(token: Token, approved: bool) -> None:
    """ApprovalForAll must be emitted when approval is enabled or disabled, and isApprovedForAll shows it."""
    operator = token.world.other.address
    events = token.send(token.functions.setApprovalForAll(operator, approved))
    assert events == [("ApprovalForAll", {"owner": token.holder, "operator": operator, "approved": approved})]
    assert token.world.read(token.functions.isApprovedForAll(token.holder, operator)) is approved


def test_erc1155__approval__is_for_the_entire_set_of_tokens(token: Token) -> None:
    """An operator manages all ids of the approver, also those that come later."""
    world, operator = token.world, token.world.other
    token.send(token.functions.setApprovalForAll(operator.address, True))
    later = world.register(transferable=True)
    world.grant(later, token.holder, 1)
    world.send(operator, token.functions.safeTransferFrom(token.holder, operator.address, later, 1, b""))
    assert world.balance(later, operator.address) == 1


# ---------------------------------------------------------------- hooks


def test_hook__of_an_account__is_not_called(token: Token) -> None:
    """Scenario 1: an account without code has no hook, so the transfer ends with the balances."""
    token.send(token.transfer(token.world.other.address, 1, DATA))
    assert token.balances(token.world.other.address) == [1, 0]


def _seen(world: World, receiver: Contract, *names: str) -> list[Any]:
    return [world.read(receiver.functions[name]()) for name in names]


def test_hook__of_a_single_transfer__gets_every_argument_unaltered(token: Token) -> None:
    """Scenario 6: onERC1155Received is called once, with operator, from, id, value and the data as it was given."""
    world, receiver = token.world, token.world.deploy("AcceptsCredits")
    token.send(token.functions.setApprovalForAll(world.other.address, True))
    token.send(token.transfer(receiver.address, 4, DATA), "other")
    seen = _seen(world, receiver, "operator", "from", "id", "value", "data", "singleCount", "batchCount")
    assert seen == [world.other.address, token.holder, token.ids[0], 4, DATA, 1, 0]


@pytest.mark.parametrize("length", [0, 1, 2])
def test_hook__of_a_batch_transfer__gets_every_argument_unaltered(token: Token, length: int) -> None:
    """Scenario 7: the hook for batches is called once, with both lists in order and the data as it was given."""
    world, receiver = token.world, token.world.deploy("AcceptsCredits")
    ids, values = token.ids[:length], [4, 5][:length]
    token.send(token.functions.setApprovalForAll(world.other.address, True))
    token.send(token.batch(receiver.address, values, DATA, ids), "other")
    seen = _seen(world, receiver, "operator", "from", "data", "singleCount", "batchCount", "batch")
    assert seen == [world.other.address, token.holder, DATA, 0, 1, [ids, values]]


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
@pytest.mark.parametrize("name", ["NoHook", "WrongMagic"])
def test_hook__missing_or_with_an_unknown_value__reverts(token: Token, name: str, batch: bool) -> None:
    """Scenarios 3 and 4: a contract without the hook, or with another answer than the magic value, gets nothing."""
    receiver = token.world.deploy(name).address
    with reverts(ERC1155InvalidReceiver(receiver)):
        token.send(token.batch(receiver, [1, 1]) if batch else token.transfer(receiver, 1))
    assert token.balances(token.holder) == [10, 10]


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_hook__that_throws__reverts(token: Token, batch: bool) -> None:
    """Scenario 5: what the receiver reverts with is passed on."""
    receiver = token.world.deploy("RejectsCredits").address
    with reverts(RevertedWithoutReason("0x" + selector("CreditsRejected()").hex())):
        token.send(token.batch(receiver, [1, 1]) if batch else token.transfer(receiver, 1))
    assert token.balances(token.holder) == [10, 10]


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_hook__when_called__finds_balances_updated(token: Token, batch: bool) -> None:
    """Scenarios 6 and 7: balances must have been updated before the hook is called."""
    world, receiver = token.world, token.world.deploy("ReentersInHook")
    arm(world, receiver, token.functions.balanceOfBatch([token.holder, receiver.address], [token.ids[0]] * 2))
    token.send(token.batch(receiver.address, [4, 4]) if batch else token.transfer(receiver.address, 4))
    answer = outcome_of(world, receiver).answer
    words = [int.from_bytes(answer[start : start + 32], "big") for start in range(0, len(answer), 32)]
    assert words == [32, 2, 6, 4]


@pytest.mark.parametrize("batch", [False, True], ids=["single", "batch"])
def test_hook__when_called__finds_its_event_emitted(token: Token, batch: bool) -> None:
    """Events must be out before the hook is called: of a forwarded transfer the first event comes first."""
    world, receiver = token.world, token.world.deploy("ReentersInHook")
    last = world.other.address
    onward = token.functions.safeTransferFrom(receiver.address, last, token.ids[0], 4, b"")
    arm(world, receiver, onward)
    events = token.send(token.batch(receiver.address, [4, 4]) if batch else token.transfer(receiver.address, 4))
    assert [name for name, _ in events] == ["TransferBatch" if batch else "TransferSingle", "TransferSingle"]
    assert [arguments["to"] for _, arguments in events] == [receiver.address, last]
    assert token.balances(last) == [4, 0]


def test_hook__outside_of_mints_and_transfers__is_not_called(token: Token) -> None:
    """Scenario 2: burning, redeeming and approving are no transfers to anybody."""
    world, receiver = token.world, token.world.deploy("ReentersInHook")
    arm(world, receiver, token.functions.balanceOf(receiver.address, token.ids[0]))
    token.send(token.functions.setApprovalForAll(receiver.address, True))
    world.send(world.subscriber, world.credits.functions.burn(token.ids[0], token.holder, 1))
    world.send(world.subscriber, world.credits.functions.redeem(token.ids[0], token.holder, 1, NO_CONTEXT))
    assert outcome_of(world, receiver).count == 0


def test_hook__magic_values__are_those_of_the_standard() -> None:
    single = "onERC1155Received(address,address,uint256,uint256,bytes)"
    batch = "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)"
    assert (selector(single), selector(batch)) == (ACCEPTED, BATCH_ACCEPTED)


# ---------------------------------------------------------------- mints and burns


@pytest.mark.parametrize("give", ["mint", "mintBatch", "order"])
def test_mint__by_any_function__comes_from_zero_and_calls_the_hook(token: Token, give: str) -> None:
    """Scenario 9: functions of our own follow the same rules; `from` is zero in event and hook, the data is empty."""
    world, receiver = token.world, token.world.deploy("AcceptsCredits")
    functions = world.credits.functions
    free = world.register(splits=(), credits=6)
    function = {
        "mint": functions.mint(free, receiver.address, 6),
        "mintBatch": functions.mintBatch(free, [receiver.address], [6]),
        "order": functions.order(free, receiver.address, 1, 0),
    }[give]
    operator = world.builder.address
    events = token.send(function, "builder")
    assert events == [("TransferSingle", {**_movement(operator, ZERO, receiver.address), "id": free, "value": 6})]
    seen = _seen(world, receiver, "operator", "from", "id", "value", "data", "singleCount")
    assert seen == [operator, ZERO, free, 6, b"", 1]


@pytest.mark.parametrize("take", ["burn", "redeem"])
def test_burn__by_any_function__goes_to_zero(token: Token, take: str) -> None:
    """When tokens are destroyed `to` must be zero in the event."""
    functions, plan_id = token.world.credits.functions, token.ids[0]
    function = {
        "burn": functions.burn(plan_id, token.holder, 3),
        "redeem": functions.redeem(plan_id, token.holder, 3, NO_CONTEXT),
    }[take]
    assert token.send(function) == [
        ("TransferSingle", {**_movement(token.holder, token.holder, ZERO), "id": plan_id, "value": 3})
    ]


def test_events__of_a_whole_life__add_up_to_the_balances(token: Token) -> None:
    """Guaranteed log trace, C37: who reads TransferSingle and TransferBatch alone knows all balances and the supply."""
    world, functions, plan_id = token.world, token.world.credits.functions, token.ids[0]
    other, accepts = world.other, world.deploy("AcceptsCredits").address
    rejects = world.deploy("RejectsCredits").address
    batch = functions.mintBatch(plan_id, [other.address, rejects, accepts], [5, 6, 7])
    receipts = [
        world.send(world.builder, batch),
        world.send(world.subscriber, token.transfer(other.address, 2)),
        world.send(world.subscriber, token.batch(accepts, [1, 1])),
        world.send(world.subscriber, token.transfer(token.holder, 7)),
        world.send(other, functions.burn(plan_id, other.address, 4)),
        world.send(other, functions.redeem(plan_id, other.address, 1, NO_CONTEXT)),
    ]
    model = {token.holder: 10, other.address: 0, accepts: 0, rejects: 0, ZERO: 0}
    for receipt in receipts:
        for _, arguments in token.events(receipt):
            ids, values = arguments.get("ids", [arguments.get("id")]), arguments.get("values", [arguments.get("value")])
            for moved_id, value in zip(ids, values, strict=True):
                if moved_id == plan_id:
                    model[arguments["from"]] -= value
                    model[arguments["to"]] += value
    supply = -model.pop(ZERO) + 10
    assert model == {holder: world.balance(plan_id, holder) for holder in model}
    assert sum(model.values()) == supply == 17


# ---------------------------------------------------------------- metadata


def test_metadata__at_registration_and_change__emits_uri(world: World) -> None:
    """The URI event must be emitted when a URI changes, and uri() must return what the latest event said."""
    contract = world.chain.bind(world.credits.address, STANDARD_ABI)
    function = world.credits.functions.registerPlan(
        world.terms().as_tuple(), NO_CONTEXT, "ipfs://first/{id}", MAX_FEE_BPS
    )
    receipt = world.send(world.builder, function)
    [registered] = world.chain.read_events(contract, "URI", receipt)
    plan_id = registered["args"]["id"]
    changed = world.send(world.builder, world.credits.functions.setPlanUri(plan_id, "ipfs://second"))
    [latest] = world.chain.read_events(contract, "URI", changed)
    assert (registered["args"]["value"], latest["args"]["value"]) == ("ipfs://first/{id}", "ipfs://second")
    assert latest["args"]["id"] == plan_id
    assert world.read(contract.functions.uri(plan_id)) == "ipfs://second"


def test_metadata__of_an_id_that_is_not_there__reverts_not(world: World) -> None:
    """uri() must not be used to check whether a token exists, so it answers for any id."""
    contract = world.chain.bind(world.credits.address, STANDARD_ABI)
    assert world.read(contract.functions.uri(12345)) == ""


# ---------------------------------------------------------------- ERC-6093


def _revert_data(world: World, function: Any) -> tuple[str, bytes]:
    """Have a contract make a call that reverts; return the contract and, byte by byte, what it got."""
    caller = world.deploy("ReentersOnCoin")
    arm(world, caller, function(caller.address))
    send_coin(world, caller, 1)
    outcome = outcome_of(world, caller)
    assert (outcome.count, outcome.success) == (1, False)
    return caller.address, outcome.answer


def test_erc6093__invalid_receiver__is_as_published(token: Token) -> None:
    """ERC1155InvalidReceiver(receiver). A client that knows ERC-6093 alone can read it, and so for those below."""
    _, data = _revert_data(token.world, lambda caller: token.transfer(ZERO, 0, sender=caller))
    assert data == bytes.fromhex("57f447ce") + encode(["address"], [ZERO])


def test_erc6093__missing_approval__is_as_published(token: Token) -> None:
    """ERC1155MissingApprovalForAll(operator, owner)."""
    caller, data = _revert_data(token.world, lambda caller: token.transfer(caller, 1))
    assert data == bytes.fromhex("e237d922") + encode(["address", "address"], [caller, token.holder])


def test_erc6093__invalid_operator__is_as_published(token: Token) -> None:
    """ERC1155InvalidOperator(operator)."""
    _, data = _revert_data(token.world, lambda _: token.functions.setApprovalForAll(ZERO, True))
    assert data == bytes.fromhex("ced3e100") + encode(["address"], [ZERO])


def test_erc6093__invalid_array_length__is_as_published(token: Token) -> None:
    """ERC1155InvalidArrayLength(idsLength, valuesLength)."""
    move = token.functions.safeBatchTransferFrom
    _, data = _revert_data(token.world, lambda caller: move(caller, token.holder, token.ids, [1], b""))
    assert data == bytes.fromhex("5b059991") + encode(["uint256", "uint256"], [2, 1])


# ---------------------------------------------------------------- clauses about the rest of a token's life


def test_operator__of_every_movement__is_who_called(token: Token) -> None:
    """TransferSingle: `operator` MUST be who is approved to make the transfer and SHOULD be the caller, of a batch and of a settlement too."""
    world, functions = token.world, token.world.credits.functions
    plan_id = register_with_redeemer(world, splits=())
    calls = [
        (world.builder, functions.mintBatch(plan_id, [token.holder], [9])),
        (world.stranger, functions.order(plan_id, token.holder, 1, 0)),
        (world.redeemer, settle(world, plan_id, sign_item(world, plan_id, world.subscriber, 2))),
        (world.subscriber, functions.burn(plan_id, token.holder, 1)),
    ]
    for caller, function in calls:
        events = list(token.events(world.send(caller, function)))
        assert [arguments["operator"] for _, arguments in events] == [caller.address]


def test_batch_of_mints__is_one_single_event_for_each(token: Token) -> None:
    """Events: either one TransferBatch or several TransferSingle are allowed for several movements in one call; here the latter."""
    world, functions = token.world, token.world.credits.functions
    plan_id = world.register()
    holders = [token.holder, world.other.address, world.partner.address]
    events = list(token.events(world.send(world.builder, functions.mintBatch(plan_id, holders, [1, 2, 3]))))
    assert [(name, arguments["to"], arguments["value"]) for name, arguments in events] == [
        ("TransferSingle", holder, value) for holder, value in zip(holders, (1, 2, 3), strict=True)
    ]


def test_transfer__of_nothing_in_a_batch__is_allowed_and_emits(token: Token) -> None:
    """TransferBatch MUST be emitted for zero values as for others, and so for a batch of no ids at all."""
    other = token.world.other.address
    for ids, values in (([], []), (token.ids, [0, 0])):
        [(name, arguments)] = token.send(token.batch(other, values, ids=ids))
        assert (name, arguments["ids"], arguments["values"]) == ("TransferBatch", ids, values)
    assert token.balances(token.holder) == [10, 10]


def test_transfer__by_a_revoked_operator__is_refused(token: Token) -> None:
    """setApprovalForAll: the right that is given with true ends with false."""
    world, operator = token.world, token.world.other
    for approved in (True, False):
        token.send(token.functions.setApprovalForAll(operator.address, approved))
    with reverts(ERC1155MissingApprovalForAll(operator.address, token.holder)):
        token.send(token.transfer(operator.address, 1), "other")
    assert world.read(token.functions.isApprovedForAll(token.holder, operator.address)) is False


def test_hook__in_construction__is_not_asked(world: World) -> None:
    """Scenario 8 is left to the contract: an address without code yet has no hook, as `isContract` has it; see also SECURITY.md."""
    plan_id = world.register(splits=())
    made = world.deploy("OrdersInConstructor", world.credits.address, ZERO, plan_id, 1, 0)
    assert world.balance(plan_id, made.address) == 100


def test_hook__that_returns_the_batch_value_for_a_single_transfer__reverts(token: Token) -> None:
    """Both hooks MUST be answered with their own magic value: 32 bytes of the right four and zeros, nothing else."""
    wrong = token.world.deploy("AnswersBytes", 32, BATCH_ACCEPTED + bytes(28), False).address
    right = token.world.deploy("AnswersBytes", 32, ACCEPTED + bytes(28), False).address
    with reverts(ERC1155InvalidReceiver(wrong)):
        token.send(token.transfer(wrong, 1))
    token.send(token.transfer(right, 1))
    with reverts(ERC1155InvalidReceiver(right)):
        token.send(token.batch(right, [1, 1]))


# ---------------------------------------------------------------- where we do otherwise, on purpose


def test_creation__of_an_id_nobody_holds__emits_no_transfer_of_nothing(world: World) -> None:
    """SHOULD, not followed: to announce an id without balances, TransferSingle from zero to zero with value 0.

    A plan is announced by PlanRegistered and by URI, which say more; another event would be paid for with every registration.
    """
    contract = world.chain.bind(world.credits.address, STANDARD_ABI)
    function = world.credits.functions.registerPlan(world.terms().as_tuple(), NO_CONTEXT, "ipfs://plan", MAX_FEE_BPS)
    receipt = world.send(world.builder, function)
    assert world.chain.read_events(contract, "TransferSingle", receipt) == []
    assert len(world.chain.read_events(contract, "URI", receipt)) == 1


def test_supply__of_credits_that_expire__is_not_told_by_transfers_alone(world: World) -> None:
    """Events and supply: what came from zero less what went to zero MAY be taken for the supply. Not where credits expire.

    Nothing runs at the second of an expiry, so nothing can be emitted; lots say when credits will be gone (`lotsOf`).
    """
    plan_id, holder = world.register(**expiring(60)), world.subscriber.address
    receipt = world.order(plan_id)
    contract = world.chain.bind(world.credits.address, STANDARD_ABI)
    [minted] = world.chain.read_events(contract, "TransferSingle", receipt)
    assert minted["args"]["value"] == world.balance(plan_id, holder) == 100
    world.mine_at(world.now + 60)
    assert world.balance(plan_id, holder) == 0


def test_balance__of_a_time_plan__falls_with_time(world: World) -> None:
    """As above: a balance of periods counts those of which something is left, and time takes them without an event."""
    plan_id, holder = world.register(**from_purchase(60)), world.subscriber.address
    world.order(plan_id, quantity=2)
    start = world.now
    found = []
    for second in (0, 59, 60, 119, 120):
        if second:
            world.mine_at(start + second)
        found.append(world.balance(plan_id, holder))
    assert found == [2, 2, 1, 1, 0]


def test_uri__is_what_the_owner_says_unchecked(world: World) -> None:
    """Metadata: URIs are RFC 3986 and lead to a JSON file. That is for plan owners to keep; the contract keeps any text as it is."""
    for text in ("", "no uri at all", "ipfs://x/{id}.json", "\u00e9\u4e2d"):
        plan_id = world.register(uri=text)
        assert world.read(world.credits.functions.uri(plan_id)) == text


def test_transfer__of_what_may_not_move__reverts_as_the_standard_allows(world: World) -> None:
    """safeTransferFrom: MUST revert on any other error. That a plan forbids transfers is one, for owner and operator alike."""
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 1)
    contract = world.chain.bind(world.credits.address, STANDARD_ABI)
    with reverts(NotTransferable(plan_id)):
        world.send(
            world.subscriber,
            contract.functions.safeTransferFrom(world.subscriber.address, world.other.address, plan_id, 1, b""),
        )
