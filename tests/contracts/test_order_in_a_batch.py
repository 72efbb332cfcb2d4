"""Order inside one call: a good item and a bad one of one holder, in both orders, come to what each comes to alone.

Whatever a loop remembers from one item for the next shows only the one way round, and only where the two are alike: so each pair is of
one holder, and the bad item is the good one's copy but for one field. Settlements by keys and by wallets, and grants of a batch.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from nvm_chain.enums import RedemptionRule
from tests.support.batches import BALANCE, deploy_wallet, register_for_two, settle_batch
from tests.support.events import granted, selector, skipped
from tests.support.signed import (
    ALREADY_SETTLED,
    EXPIRED,
    FOREVER,
    NOT_SIGNED,
    SETTLED,
    Item,
    domain_of,
    sign_item,
    unsigned_item,
)
from tests.support.world import ZERO, World

CEILING, HIGHER = 5, 9
CONTEXT = b"\7" * 32

Sign = Callable[..., Item]


def _signer(world: World, plan_id: int, kind: str) -> tuple[LocalAccount, str]:
    """Return whose key signs, and whose credits they are."""
    if kind == "key":
        return world.subscriber, world.subscriber.address
    return world.subscriber, deploy_wallet(world, plan_id, "SmartWallet", world.subscriber.address).address


def _bad(world: World, plan_id: int, signer: LocalAccount, holder: str) -> dict[str, tuple[Item, int]]:
    """Return, by the field that is bad, an item that asks for more than the good one, and what becomes of it."""
    good = sign_item(world, plan_id, signer, HIGHER, holder=holder, context=CONTEXT)
    domain = domain_of(world)

    def signed(**changes: Any) -> Item:
        """Sign with something else than what the item then says."""
        return replace(good, signature=sign_item(world, **_arguments(changes)).signature)

    def _arguments(changes: dict[str, Any]) -> dict[str, Any]:
        return {
            "plan_id": plan_id,
            "signer": signer,
            "ceiling": HIGHER,
            "holder": holder,
            "context": CONTEXT,
            **changes,
        }

    last = good.signature[:-1] + bytes([55 - good.signature[-1]])
    items = {
        "signed for less": signed(ceiling=CEILING),
        "signed for more": signed(ceiling=HIGHER + 1),
        "signed for another context": signed(context=bytes(32)),
        "signed until another second": signed(deadline=FOREVER - 1),
        "signed for another redeemer": signed(redeemer=world.relayer.address),
        "signed for another plan": signed(plan_id=plan_id + 1),
        "signed for another holder": signed(holder=world.other.address),
        "signed on another chain": signed(domain=replace(domain, chain_id=domain.chain_id + 1)),
        "signed by another": signed(signer=world.stranger),
        "no signature": good.but(signature=b""),
        "short signature": good.but(signature=good.signature[:-2]),
        "long signature": good.but(signature=good.signature + b"\0"),
        "one bit of the signature": good.but(signature=bytes([good.signature[0] ^ 1]) + good.signature[1:]),
        "the other v": good.but(signature=last),
        "ceiling raised": sign_item(world, plan_id, signer, CEILING, holder=holder, context=CONTEXT).but(
            ceiling=HIGHER, total=HIGHER
        ),
        "context changed": good.but(context=CONTEXT[:-1] + b"\0"),
        "deadline put off": sign_item(
            world, plan_id, signer, HIGHER, holder=holder, context=CONTEXT, deadline=FOREVER - 1
        ).but(deadline=FOREVER),
    }
    results = {name: (item, NOT_SIGNED) for name, item in items.items()}
    over = sign_item(world, plan_id, signer, HIGHER, holder=holder, context=CONTEXT, deadline=1)
    results["deadline over"] = (over, EXPIRED)
    results["total 0"] = (good.but(total=0), ALREADY_SETTLED)
    return results


BAD = [
    "signed for less",
    "signed for more",
    "signed for another context",
    "signed until another second",
    "signed for another redeemer",
    "signed for another plan",
    "signed for another holder",
    "signed on another chain",
    "signed by another",
    "no signature",
    "short signature",
    "long signature",
    "one bit of the signature",
    "the other v",
    "ceiling raised",
    "context changed",
    "deadline put off",
    "deadline over",
    "total 0",
]


def test_bad_items__are_all_there(world: World) -> None:
    plan_id = register_for_two(world)
    assert list(_bad(world, plan_id, world.subscriber, world.subscriber.address)) == BAD


@pytest.mark.parametrize("kind", ["key", "wallet"])
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("context", [CONTEXT, bytes(32)], ids=["alike", "unlike"])
def test_settle__of_a_good_and_a_bad_item__is_the_same_in_both_orders(
    world: World, kind: str, bad: str, context: bytes
) -> None:
    """The good one takes what it takes alone, the bad one nothing: alone, before, behind, on both sides, and between two good ones."""
    plan_id = register_for_two(world)
    signer, holder = _signer(world, plan_id, kind)
    good = sign_item(world, plan_id, signer, CEILING, holder=holder, context=context)
    better = sign_item(world, plan_id, signer, CEILING + 2, holder=holder, context=context)
    wrong, result = _bad(world, plan_id, signer, holder)[bad]
    yes, more, no = (CEILING, SETTLED), (2, SETTLED), (0, result)
    cases = [
        ([wrong], [no]),
        ([good, wrong], [yes, no]),
        ([wrong, good], [no, yes]),
        ([wrong, good, wrong], [no, yes, no]),
        ([good, wrong, better], [yes, no, more]),
        ([wrong, wrong, good, wrong, wrong], [no, no, yes, no, no]),
    ]
    for items, expected in cases:
        snapshot = world.take_snapshot()
        assert settle_batch(world, plan_id, *items) == expected
        assert world.balance(plan_id, holder) == BALANCE - sum(amount for amount, _ in expected)
        world.revert_to(snapshot)


@pytest.mark.parametrize("bad", BAD)
def test_settle__of_a_bad_item_beside_one_by_rule__is_not_made_good_by_it(world: World, bad: str) -> None:
    """An item without signature, where the rule does, says nothing for the next; a bad item does not spoil it."""
    plan_id, signer = register_for_two(world, rule=RedemptionRule.REDEEMER), world.subscriber
    bare = unsigned_item(signer.address, CEILING)
    wrong, result = _bad(world, plan_id, signer, signer.address)[bad]
    if bad == "no signature":
        wrong, result = wrong.but(signature=b"\1"), NOT_SIGNED
    for items, expected in (
        ([bare, wrong], [(CEILING, SETTLED), (0, result)]),
        ([wrong, bare], [(0, result), (CEILING, SETTLED)]),
        ([bare, wrong, bare.but(total=7)], [(CEILING, SETTLED), (0, result), (2, SETTLED)]),
    ):
        snapshot = world.take_snapshot()
        assert settle_batch(world, plan_id, *items) == expected
        world.revert_to(snapshot)


@pytest.mark.parametrize("role", ["key", "wallet"])
def test_settle__of_ones_own_and_anothers_without_signature__takes_ones_own_alone(world: World, role: str) -> None:
    """Under HOLDER the caller's own needs no signature, and everybody else's does, whichever comes first."""
    plan_id = register_for_two(world)
    world.grant(plan_id, world.redeemer.address, BALANCE)
    holder = _signer(world, plan_id, role)[1]
    own = unsigned_item(world.redeemer.address, CEILING)
    theirs = unsigned_item(holder, CEILING).but(ceiling=CEILING, deadline=FOREVER)
    for items, expected in (
        ([own, theirs], [(CEILING, SETTLED), (0, NOT_SIGNED)]),
        ([theirs, own], [(0, NOT_SIGNED), (CEILING, SETTLED)]),
    ):
        snapshot = world.take_snapshot()
        assert settle_batch(world, plan_id, *items) == expected
        world.revert_to(snapshot)


@pytest.mark.parametrize("first", ["key", "wallet"])
@pytest.mark.parametrize("second", ["key", "wallet"])
def test_settle__of_two_holders_with_each_others_signatures__takes_of_neither(
    world: World, first: str, second: str
) -> None:
    """One key behind both, so the signature is good for the one and not for the other: the holder is in what is signed."""
    plan_id = register_for_two(world)
    holders = [_signer(world, plan_id, kind)[1] for kind in (first, second)]
    if holders[0] == holders[1]:
        holders[1] = world.other.address
    good = [sign_item(world, plan_id, world.subscriber, CEILING, holder=holder) for holder in holders]
    swapped = [good[0].but(signature=good[1].signature), good[1].but(signature=good[0].signature)]
    for items in (swapped, swapped[::-1]):
        assert settle_batch(world, plan_id, *items) == [(0, NOT_SIGNED)] * 2
    both = settle_batch(world, plan_id, good[0], swapped[1], swapped[0].but(total=HIGHER, ceiling=HIGHER))
    assert both == [(CEILING, SETTLED), (0, NOT_SIGNED), (0, NOT_SIGNED)]


# ---------------------------------------------------------------- grants

REASONS = {
    "nothing": "ZeroAmount()",
    "too much": "CreditsOverflow(uint256,address,uint256)",
    "far too much": "CreditsOverflow(uint256,address,uint256)",
    "nobody": "ERC1155InvalidReceiver(address)",
    "rejects": "CreditsRejected()",
    "no hook": "ERC1155InvalidReceiver(address)",
}


@pytest.mark.parametrize("duration", [0, 86_400], ids=["lasting", "expiring"])
@pytest.mark.parametrize("bad", REASONS)
def test_mint_batch__of_a_good_and_a_bad_grant__is_the_same_in_both_orders(
    world: World, bad: str, duration: int
) -> None:
    plan_id, builder, holder = world.register(duration=duration), world.builder.address, world.subscriber.address
    wrong = {
        "nothing": (holder, 0),
        "too much": (holder, 2**54),
        "far too much": (holder, 2**256 - 1),
        "nobody": (ZERO, 5),
        "rejects": (world.deploy("RejectsCredits").address, 5),
        "no hook": (world.deploy("NoHook").address, 5),
    }[bad]
    yes, no = granted(builder, holder, plan_id, 5), skipped(plan_id, *wrong, selector(REASONS[bad]))
    for pairs, events in (
        ([(holder, 5), wrong], [yes, no]),
        ([wrong, (holder, 5)], [no, yes]),
        ([wrong, (holder, 5), wrong, (holder, 5)], [no, yes, no, yes]),
    ):
        snapshot = world.take_snapshot()
        batch = world.credits.functions.mintBatch(plan_id, [to for to, _ in pairs], [amount for _, amount in pairs])
        assert world.events(world.send(world.builder, batch)) == events
        assert world.balance(plan_id, holder) == 5 * events.count(yes)
        world.revert_to(snapshot)


def test_mint_batch__of_a_trial_twice_to_one_holder__grants_the_first(world: World) -> None:
    plan_id, builder, holder = world.register(trial=True), world.builder.address, world.subscriber.address
    batch = world.credits.functions.mintBatch(plan_id, [holder, holder, world.other.address], [5, 7, 3])
    assert world.events(world.send(world.builder, batch)) == [
        granted(builder, holder, plan_id, 5),
        skipped(plan_id, holder, 7, selector("TrialAlreadyTaken(uint256,address)")),
        granted(builder, world.other.address, plan_id, 3),
    ]
