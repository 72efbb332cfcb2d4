"""mintBatch: credits for many holders; a grant that fails is left out and reported, the others stand.

What receivers can do to a batch and the largest batch are in tests/attacks: test_receivers and test_limits.
"""

from collections.abc import Sequence

import pytest
from eth_account.signers.local import LocalAccount
from web3.types import TxReceipt

from nvm_chain.errors import ERC1155InvalidArrayLength, NotEnoughGas, NotMinter, UnknownPlan
from tests.support.events import granted, selector, skipped
from tests.support.gas import estimate_gas, simulate
from tests.support.reentry import encode
from tests.support.reverts import reverts
from tests.support.world import MAX_UINT, ZERO, World

INVALID_RECEIVER = selector("ERC1155InvalidReceiver(address)")
ZERO_AMOUNT = selector("ZeroAmount()")
OVERFLOW = selector("CreditsOverflow(uint256,address,uint256)")
TRIAL_TAKEN = selector("TrialAlreadyTaken(uint256,address)")
MAX_ACCOUNT = 2**54 - 1
GAS_PER_ITEM = 200_000 + 200_000 // 63 + 5000


def _mint(
    world: World, plan_id: int, to: Sequence[str], amounts: Sequence[int], caller: LocalAccount | None = None
) -> TxReceipt:
    return world.send(caller or world.builder, world.credits.functions.mintBatch(plan_id, to, amounts))


@pytest.mark.parametrize("role", ["builder", "minter"])
def test_mint_batch__by_owner_or_minter__grants_all_and_emits(world: World, staffed_plan: int, role: str) -> None:
    caller = getattr(world, role)
    one, two = world.other.address, world.partner.address
    receipt = _mint(world, staffed_plan, [one, two], [5, MAX_ACCOUNT], caller)
    assert (world.balance(staffed_plan, one), world.balance(staffed_plan, two)) == (5, MAX_ACCOUNT)
    assert world.events(receipt) == [
        granted(caller.address, one, staffed_plan, 5),
        granted(caller.address, two, staffed_plan, MAX_ACCOUNT),
    ]


def test_mint_batch__of_nothing__does_nothing(world: World, staffed_plan: int) -> None:
    assert world.events(_mint(world, staffed_plan, [], [])) == []


def test_mint_batch__naming_one_holder_twice__grants_twice(world: World, staffed_plan: int) -> None:
    holder = world.other.address
    _mint(world, staffed_plan, [holder, holder, world.partner.address], [5, 6, 7])
    assert world.balance(staffed_plan, holder) == 11


def test_mint_batch__with_items_that_cannot_be__leaves_out_those_alone(world: World, staffed_plan: int) -> None:
    """I8: whatever is wrong with one item, the others stand; the reason is the error's selector."""
    minter, credits = world.builder.address, world.credits.address
    first, full, last = world.other.address, world.partner.address, world.stranger.address
    world.grant(staffed_plan, full, MAX_ACCOUNT)
    to = [first, ZERO, first, full, credits, full, last]
    amounts = [1, 2, 0, 1, 3, MAX_UINT, 4]
    receipt = _mint(world, staffed_plan, to, amounts)
    assert world.events(receipt) == [
        granted(minter, first, staffed_plan, 1),
        skipped(staffed_plan, ZERO, 2, INVALID_RECEIVER),
        skipped(staffed_plan, first, 0, ZERO_AMOUNT),
        skipped(staffed_plan, full, 1, OVERFLOW),
        skipped(staffed_plan, credits, 3, INVALID_RECEIVER),
        skipped(staffed_plan, full, MAX_UINT, OVERFLOW),
        granted(minter, last, staffed_plan, 4),
    ]
    balances = [world.balance(staffed_plan, holder) for holder in (first, full, last, credits)]
    assert balances == [1, MAX_ACCOUNT, 4, 0]


def test_mint_batch__of_a_trial_with_one_holder_twice__grants_once(world: World) -> None:
    """I7."""
    plan_id, holder = world.register(trial=True), world.other.address
    receipt = _mint(world, plan_id, [holder, holder], [5, 6])
    assert world.events(receipt) == [
        granted(world.builder.address, holder, plan_id, 5),
        skipped(plan_id, holder, 6, TRIAL_TAKEN),
    ]


def test_mint_batch__of_an_inactive_plan__grants(world: World, staffed_plan: int) -> None:
    world.send(world.builder, world.credits.functions.setPlanActive(staffed_plan, False))
    _mint(world, staffed_plan, [world.other.address], [3])
    assert world.balance(staffed_plan, world.other.address) == 3


@pytest.mark.parametrize(("to", "amounts"), [(1, 0), (0, 1), (2, 1), (1, 2)])
def test_mint_batch__with_lists_of_two_lengths__reverts(world: World, staffed_plan: int, to: int, amounts: int) -> None:
    with reverts(ERC1155InvalidArrayLength(to, amounts)):
        _mint(world, staffed_plan, [world.other.address] * to, [1] * amounts)


@pytest.mark.parametrize("role", ["stranger", "redeemer", "subscriber", "fee_owner"])
def test_mint_batch__by_anyone_else__reverts(world: World, staffed_plan: int, role: str) -> None:
    """C14; also with nothing to mint."""
    caller = getattr(world, role)
    for receivers in ([], [caller.address]):
        with reverts(NotMinter(staffed_plan, caller.address)):
            _mint(world, staffed_plan, receivers, [1] * len(receivers), caller)


def test_mint_batch__of_unknown_plan__reverts(world: World) -> None:
    with reverts(UnknownPlan(7)):
        _mint(world, 7, [world.other.address], [1])


def test_mint_batch__with_too_little_gas__says_so(world: World, staffed_plan: int) -> None:
    function = world.credits.functions.mintBatch(staffed_plan, [world.other.address], [1])
    with pytest.raises(NotEnoughGas) as caught:
        simulate(world.chain, world.builder.address, encode(function), function.address, gas=GAS_PER_ITEM)
    assert caught.value.required == GAS_PER_ITEM
    assert GAS_PER_ITEM - 60_000 < caught.value.available < GAS_PER_ITEM


def test_mint_batch__with_any_gas_limit__grants_all_or_nothing(world: World, staffed_plan: int) -> None:
    """I8, P16: too little gas reverts, and never quietly drops the items at the end."""
    receivers = [world.other.address, world.deploy("AcceptsCredits").address, world.partner.address]
    function = world.credits.functions.mintBatch(staffed_plan, receivers, [1, 2, 3])
    statuses = []
    for gas in range(60_000, 600_000, 15_000):
        receipt = world.send_with_gas(world.builder, function, gas)
        statuses.append(receipt["status"])
        balances = [world.balance(staffed_plan, receiver) for receiver in receivers]
        assert balances == ([1, 2, 3] if receipt["status"] else [0, 0, 0])
        if receipt["status"]:
            break
    assert (statuses[0], statuses[-1]) == (0, 1)


def test_mint_batch__with_the_gas_a_node_proposes__grants_to_every_contract(world: World, staffed_plan: int) -> None:
    """An estimate looks for the least gas that succeeds, so dropping an item must not count as success."""
    receivers = [world.deploy("AcceptsCredits").address for _ in range(5)]
    function = world.credits.functions.mintBatch(staffed_plan, receivers, [1] * 5)
    gas = estimate_gas(function, world.builder.address)
    receipt = world.send_with_gas(world.builder, function, gas)
    assert receipt["status"] == 1
    assert [world.balance(staffed_plan, receiver) for receiver in receivers] == [1] * 5
