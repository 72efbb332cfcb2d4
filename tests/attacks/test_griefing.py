"""Griefing: the attacker gains nothing and wants others to lose: time, gas, access, or a batch.

They send dust, fill accounts with lots, order trials for others, poison histories with transfers of nothing, and make their own item
of a batch fail. What they can do to others is bounded and written down (SECURITY.md, stranger; C12, C33; I3, I7, I8).
"""

import pytest

from nvm_chain.errors import (
    CreditsOverflow,
    ERC1155MissingApprovalForAll,
    InsufficientCredits,
    NotMinter,
    NotTransferable,
    RedeemNotAllowed,
    ZeroAmount,
)
from tests.support.batches import BALANCE, register_for_two, settle_batch
from tests.support.plans import expiring, from_purchase
from tests.support.reverts import reverts
from tests.support.signed import ALREADY_SETTLED, EXPIRED, NOT_SIGNED, SHORT, Item, sign_item
from tests.support.world import CREDITS, NO_CONTEXT, World

DAY = 86_400
LOTS = 33
COLD_READ = 2_100
"""Gas of a storage slot that is read for the first time."""


# ---------------------------------------------------------------- dust


def test_order__of_dust_for_a_holder__costs_the_holder_no_more_gas(world: World) -> None:
    """A stranger's orders of a free plan add to one number; the holder's burn costs what it did."""
    plan_id, holder = world.register(splits=()), world.subscriber
    burn = world.credits.functions.burn(plan_id, holder.address, 1)
    world.order(plan_id)
    before = world.send(holder, burn)["gasUsed"]
    for _ in range(20):
        world.order(plan_id, world.stranger, receiver=holder.address)
    assert world.send(holder, burn)["gasUsed"] == before
    assert world.balance(plan_id, holder.address) == 21 * CREDITS - 2


def test_order__of_lots_of_dust_for_a_holder__costs_a_read_for_each_doubling(world: World) -> None:
    """C33: with all but the last lot expired, which is the dearest there is."""
    plan_id, holder = world.register(**expiring(DAY, credits=1, max_redeem=1)), world.subscriber
    functions = world.credits.functions
    world.order(plan_id)
    clean = world.send(holder, functions.burn(plan_id, holder.address, 1))["gasUsed"]
    start = world.now
    for _ in range(LOTS - 1):
        world.order(plan_id, world.stranger, receiver=holder.address)
    world.mine_at(start + DAY // 2)
    world.order(plan_id, world.stranger, receiver=holder.address)
    end = start + DAY + DAY // 4
    receipt = world.send_at(end, holder, functions.burn(plan_id, holder.address, 1))
    assert world.balance(plan_id, holder.address) == 0
    assert receipt["gasUsed"] <= clean + (LOTS.bit_length() + 2) * (COLD_READ + 300)


def test_order__of_lots_of_dust_between_two_purchases__takes_nothing_of_them(world: World) -> None:
    """I9: the holder's own credits live exactly as long as without the stranger."""
    plan_id, holder = world.register(**expiring(DAY)), world.subscriber
    functions = world.credits.functions
    world.order(plan_id)
    for _ in range(5):
        world.order(plan_id, world.stranger, receiver=holder.address, quantity=3)
    world.order(plan_id)
    mine = [lot for lot in world.read(functions.lotsOf(plan_id, holder.address, 0, 10)) if lot[0] == CREDITS]
    assert len(mine) == 2
    world.send(holder, functions.burn(plan_id, holder.address, CREDITS))
    assert world.read(functions.lotsOf(plan_id, holder.address, 0, 1))[0][0] == 3 * CREDITS


def test_mint__of_so_much_that_an_account_is_full__is_undone_by_its_holder(world: World) -> None:
    """I10: by the plan's own owner, the only one who can in one call; the holder burns and can be granted again."""
    plan_id, holder = world.register(), world.subscriber
    world.grant(plan_id, holder.address, 2**54 - 1)
    with reverts(CreditsOverflow(plan_id, holder.address, 1)):
        world.grant(plan_id, holder.address, 1)
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, 1))
    world.grant(plan_id, holder.address, 1)


def test_order__of_a_time_plan_for_a_holder__never_shortens_the_window(world: World) -> None:
    """I3: a stranger can give, and not take."""
    plan_id, holder = world.register(**from_purchase(DAY)), world.subscriber
    world.order(plan_id)
    until = world.read(world.credits.functions.accessUntil(plan_id, holder.address))
    world.order(plan_id, world.stranger, receiver=holder.address, quantity=2)
    assert world.read(world.credits.functions.accessUntil(plan_id, holder.address)) == until + 2 * DAY
    with reverts(ERC1155MissingApprovalForAll(world.stranger.address, holder.address)):
        world.send(world.stranger, world.credits.functions.burn(plan_id, holder.address, 1))


# ---------------------------------------------------------------- poisoned histories


@pytest.mark.parametrize("name", ["safeTransferFrom", "safeBatchTransferFrom", "burn", "redeem", "mint"])
def test_anything__of_nothing_in_a_holders_name__leaves_no_event(
    world: World, transferable_plan: int, name: str
) -> None:
    """C37: a transfer of zero of somebody's tokens puts a look-alike address into their history; here it needs approval."""
    functions, holder, stranger = world.credits.functions, world.subscriber.address, world.stranger.address
    missing = ERC1155MissingApprovalForAll(stranger, holder)
    function, refusal = {
        "safeTransferFrom": (functions.safeTransferFrom(holder, stranger, transferable_plan, 0, b""), missing),
        "safeBatchTransferFrom": (functions.safeBatchTransferFrom(holder, stranger, [], [], b""), missing),
        "burn": (functions.burn(transferable_plan, holder, 0), missing),
        "redeem": (
            functions.redeem(transferable_plan, holder, 0, NO_CONTEXT),
            RedeemNotAllowed(transferable_plan, holder, stranger),
        ),
        "mint": (functions.mint(transferable_plan, holder, 0), NotMinter(transferable_plan, stranger)),
    }[name]
    with reverts(refusal):
        world.send(world.stranger, function)


def test_mint_and_burn__of_nothing_by_who_may__leave_no_event(world: World, transferable_plan: int) -> None:
    functions, holder = world.credits.functions, world.subscriber
    with reverts(ZeroAmount()):
        world.grant(transferable_plan, holder.address, 0)
    with reverts(ZeroAmount()):
        world.send(holder, functions.burn(transferable_plan, holder.address, 0))


# ---------------------------------------------------------------- batches


def test_settle__with_every_kind_of_bad_item__settles_the_good_ones(world: World) -> None:
    """I8: expired, used up, forged, short, of a stranger, of a contract, in nobody's name; good ones in between."""
    plan_id, functions = register_for_two(world), world.credits.functions
    world.grant(plan_id, world.partner.address, 3)
    good = sign_item(world, plan_id, world.subscriber, 8)
    bad = {
        "expired": (sign_item(world, plan_id, world.other, 5, deadline=1), (0, EXPIRED)),
        "used up": (sign_item(world, plan_id, world.other, 0, total=5), (0, ALREADY_SETTLED)),
        "forged": (sign_item(world, plan_id, world.stranger, 5, holder=world.other.address), (0, NOT_SIGNED)),
        "raised": (sign_item(world, plan_id, world.other, 5).but(ceiling=6), (0, NOT_SIGNED)),
        "short": (sign_item(world, plan_id, world.partner, 4), (3, SHORT)),
        "empty": (sign_item(world, plan_id, world.stranger, 4), (0, SHORT)),
        "contract": (sign_item(world, plan_id, world.other, 5, holder=functions.owner().address), (0, NOT_SIGNED)),
        "long": (sign_item(world, plan_id, world.other, 5).but(signature=b"\1" * 5000), (0, NOT_SIGNED)),
    }
    items: list[Item] = []
    expected: list[tuple[int, int]] = []
    for item, outcome in bad.values():
        items += [item, good.but(total=len(expected) + 1)]
        expected.append(outcome)
    found = settle_batch(world, plan_id, *items)
    assert found[0::2] == expected
    assert [amount for amount, _ in found[1::2]] == [1] * len(bad)
    assert world.balance(plan_id, world.subscriber.address) == BALANCE - len(bad)


def test_mint_batch__with_every_kind_of_bad_item__grants_the_good_ones(world: World) -> None:
    """I8, C12: nobody, the contract itself, a full account, refusing and gas-burning contracts, nothing, and too much."""
    plan_id, functions = world.register(), world.credits.functions
    world.grant(plan_id, world.partner.address, 2**54 - 1)
    bad = [
        ("0x" + "00" * 20, 1),
        (world.credits.address, 1),
        (world.partner.address, 1),
        (world.deploy("RejectsCredits").address, 1),
        (world.deploy("BurnsGasInHook").address, 1),
        (world.deploy("BombsInHook").address, 1),
        (world.other.address, 0),
        (world.other.address, 2**54),
        (world.other.address, 2**256 - 1),
    ]
    good = [world.chain.web3.to_checksum_address((0x9000 + index).to_bytes(20, "big")) for index in range(len(bad))]
    pairs = [pair for index, each in enumerate(bad) for pair in (each, (good[index], 1))]
    function = functions.mintBatch(plan_id, [to for to, _ in pairs], [amount for _, amount in pairs])
    receipt = world.send_with_gas(world.builder, function, 10_000_000)
    names = [name for name, _ in world.events(receipt)]
    assert names == ["MintSkipped", "TransferSingle"] * len(bad)
    assert world.read(functions.balanceOfBatch(good, [plan_id] * len(good))) == [1] * len(good)


def test_transfer__of_credits_that_may_not_move__cannot_be_forced_on_anybody(world: World) -> None:
    """A holder of a plan that forbids transfers can neither be robbed of its credits nor be given others' by transfer."""
    plan_id, functions = world.register(), world.credits.functions
    world.grant(plan_id, world.stranger.address, 5)
    with reverts(NotTransferable(plan_id)):
        world.send(
            world.stranger,
            functions.safeTransferFrom(world.stranger.address, world.subscriber.address, plan_id, 1, b""),
        )
    with reverts(InsufficientCredits(plan_id, world.subscriber.address, 0, 1)):
        world.send(world.subscriber, functions.burn(plan_id, world.subscriber.address, 1))
