"""Widths: the attacker brings numbers that are one too large for the field they are packed into, hoping that they are cut or wrap around.

Every narrow field of the ABI and every packed counter, at its largest value less one, at it, and one above (C30, C31). That the wider
encoding is refused is asked of the deployed code for each field that the ABI has; a field that is added is tested without a line here.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from eth_abi.abi import encode as encode_abi

from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import CreditsOverflow, InvalidQuantity, NvmChainError, RedeemOutOfRange, RevertedWithoutReason
from nvm_chain.types.prices import Split
from tests.support.agents import Agents
from tests.support.batches import settle_batch
from tests.support.events import selector
from tests.support.gas import TRANSACTION_GAS_CAP, simulate
from tests.support.plans import expiring, from_purchase
from tests.support.reentry import through_many
from tests.support.reverts import reverts
from tests.support.signed import (
    ALREADY_SETTLED,
    SETTLED,
    SHORT,
    register_with_redeemer,
    settle,
    sign_item,
    unsigned_item,
)
from tests.support.world import NO_CONTEXT, ZERO, World

U32, U53, U54, U64, U96 = (2**bits - 1 for bits in (32, 53, 54, 64, 96))
CALLS_AT_ONCE = 512
AROUND_U32 = pytest.mark.parametrize("value", [U32 - 1, U32])

# ---------------------------------------------------------------- every narrow field of the ABI

WIDTHS = {"address": 160, "bool": 1, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64, "uint96": 96}
Path = tuple[int, ...]


def kind_of(item: dict[str, Any], wide: bool = False) -> str:
    """Return a parameter's type, with all narrow numbers widened to a word if so wanted."""
    if item["type"].startswith("tuple"):
        return f"({','.join(kind_of(part, wide) for part in item['components'])}){item['type'][5:]}"
    base, _, suffix = item["type"].partition("[")
    widened = "uint256" if wide and base in WIDTHS else base
    return widened + (f"[{suffix}" if suffix else "")


def narrow_fields(item: dict[str, Any], path: Path) -> Iterator[tuple[Path, int]]:
    """Yield where in the arguments narrow fields are, and of how many bits; of a list in its first entry."""
    inner = (*path, 0) if item["type"].endswith("[]") else path
    if item["type"].startswith("tuple"):
        for index, part in enumerate(item["components"]):
            yield from narrow_fields(part, (*inner, index))
    elif (base := item["type"].removesuffix("[]")) in WIDTHS:
        yield inner, WIDTHS[base]


def blank(item: dict[str, Any]) -> Any:
    """Return a parameter in which everything is zero, and lists have one entry."""
    if item["type"].endswith("[]"):
        return [blank({**item, "type": item["type"][:-2]})]
    if item["type"] == "tuple":
        return tuple(blank(part) for part in item["components"])
    return {"bytes": b"", "string": "", "bytes32": bytes(32), "bytes4": bytes(4)}.get(item["type"], 0)


def put(value: Any, path: Path, number: int) -> Any:
    """Return a value with one number in it replaced."""
    if not path:
        return number
    changed = list(value)
    changed[path[0]] = put(changed[path[0]], path[1:], number)
    return type(value)(changed)


SIGNED = "settle"
"""Reads each field of an item when it needs it, so a field that does not fit needs a good signature: see test_forged_vouchers."""

OWNED = {"mintBatch", "replacePlans"}
"""Look at who calls before they look at their lists."""


def fields() -> Iterator[Any]:
    """Yield every narrow field of every function of both contracts."""
    names: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
    for name in names:
        for entry in read_artifact(name).abi:
            if entry["type"] == "function":
                for index, item in enumerate(entry["inputs"]):
                    for path, bits in narrow_fields(item, (index,)) if entry["name"] != SIGNED else ():
                        label = f"{name}.{entry['name']}-{'.'.join(map(str, path))}-{bits}"
                        yield pytest.param(name, entry, path, bits, id=label)


FIELDS = list(fields())


def test_fields__are_all_kinds_there_are() -> None:
    """No parameter has a narrow type that is not in the table of widths, but for bytes4, which is on the left of its word."""
    names: tuple[ContractName, ...] = ("Credits", "AgentRegistry")
    kinds = {
        part.strip("()[]")
        for name in names
        for entry in read_artifact(name).abi
        if entry["type"] == "function"
        for item in entry["inputs"]
        for part in kind_of(item).split(",")
    }
    assert kinds - set(WIDTHS) == {"uint256", "bytes32", "bytes4", "bytes", "string"}
    assert len(FIELDS) > 70


@pytest.mark.parametrize(("contract", "entry", "path", "bits"), FIELDS)
def test_any_call__with_one_field_a_bit_too_wide__reverts_without_a_reason(
    world: World, agents: Agents, contract: ContractName, entry: dict[str, Any], path: Path, bits: int
) -> None:
    """C31: 2^64 is no zero, and an address with a bit above it is no address. The decoder says no, and gives no reason."""
    signature = f"{entry['name']}({','.join(kind_of(item) for item in entry['inputs'])})"
    target = world.credits if contract == "Credits" else world.chain.agents
    values = [blank(item) for item in entry["inputs"]]
    types = [kind_of(item, wide=True) for item in entry["inputs"]]
    if entry["name"] in OWNED:
        values[0] = world.register() if contract == "Credits" else agents.register()

    def call(number: int) -> bytes:
        data = "0x" + (selector(signature) + encode_abi(types, put(values, path, number))).hex()
        return simulate(world.chain, world.builder.address, data, target.address)

    with reverts(RevertedWithoutReason("0x")):
        call(2**bits)
    try:
        call(1)
    except NvmChainError as error:
        assert error.args != ("0x",)


# ---------------------------------------------------------------- terms, and what they multiply to


@AROUND_U32
def test_credits_and_redeem_range__around_their_largest__are_exact(world: World, value: int) -> None:
    plan_id = world.register(splits=(), credits=value, min_redeem=value, max_redeem=value)
    world.order(plan_id, quantity=2)
    holder = world.subscriber
    redeem = world.credits.functions.redeem
    with reverts(RedeemOutOfRange(plan_id, value + 1, value, value)):
        world.send(holder, redeem(plan_id, holder.address, value + 1, NO_CONTEXT))
    world.send(holder, redeem(plan_id, holder.address, value, NO_CONTEXT))
    assert world.balance(plan_id, holder.address) == value


@AROUND_U32
def test_duration__around_its_largest__is_exact(world: World, value: int) -> None:
    lots, window = world.register(**expiring(value)), world.register(**from_purchase(value))
    holder, functions = world.subscriber.address, world.credits.functions
    world.order(lots)
    bought = world.now
    assert world.read(functions.lotsOf(lots, holder, 0, 1))[0][1] == bought + value
    world.order(window, quantity=U32)
    assert world.read(functions.accessUntil(window, holder)) == world.now + value * U32


@pytest.mark.parametrize("amount", [U96 - 1, U96])
def test_price__around_its_largest__is_exact(world: World, amount: int) -> None:
    plan_id = world.register(splits=(Split(world.builder.address, amount),) * 16)
    quote = world.credits.functions.quote
    assert world.read(quote(plan_id, ZERO, U32)) == 16 * amount * U32
    for quantity in (0, U32 + 1):
        with reverts(InvalidQuantity(plan_id, quantity)):
            world.read(quote(plan_id, ZERO, quantity))


# ---------------------------------------------------------------- counters


@pytest.mark.parametrize("terms", [{"splits": ()}, expiring(86_400)], ids=["lasting", "expiring"])
def test_balance__around_its_largest__never_wraps(world: World, terms: dict[str, Any]) -> None:
    plan_id, holder = world.register(**terms), world.subscriber
    most = U53 if "duration" in terms else U54
    world.grant(plan_id, holder.address, most - 1)
    with reverts(CreditsOverflow(plan_id, holder.address, 2)):
        world.grant(plan_id, holder.address, 2)
    world.grant(plan_id, holder.address, 1)
    for amount in (1, 2**54 - most, 2**54 - 1, 2**54, 2**64, 2**128, 2**256 - 1):
        with reverts(CreditsOverflow(plan_id, holder.address, amount)):
            world.grant(plan_id, holder.address, amount)
    assert world.balance(plan_id, holder.address) == most
    world.send(holder, world.credits.functions.burn(plan_id, holder.address, most))
    assert world.balance(plan_id, holder.address) == 0


@pytest.mark.parametrize("amount", [2**54, 2**54 + 1, 2**64, 2**64 + 1, 2**128, 2**256 - 1])
def test_spend__of_so_much_that_it_would_wrap__is_more_than_there_is(world: World, amount: int) -> None:
    """C31: 2^54 + 1 or 2^64 + 1 credits are not one."""
    plan_id, holder, functions = world.register(transferable=True), world.subscriber, world.credits.functions
    world.grant(plan_id, holder.address, 10)
    for function in (
        functions.burn(plan_id, holder.address, amount),
        functions.redeem(plan_id, holder.address, amount, NO_CONTEXT),
        functions.safeTransferFrom(holder.address, world.other.address, plan_id, amount, b""),
        functions.safeBatchTransferFrom(holder.address, world.other.address, [plan_id] * 2, [1, amount], b""),
    ):
        with pytest.raises(NvmChainError):
            world.send(holder, function)
    assert world.balance(plan_id, holder.address) == 10


def test_settled_counter__around_its_largest__never_wraps(world: World) -> None:
    """I4: an account of which 2^64 - 1 credits were settled takes no item more; a full account is emptied 1,024 times before."""
    plan_id, holder = register_with_redeemer(world, rule=RedemptionRule.REDEEMER), world.subscriber
    _settle_full_accounts(world, plan_id, holder.address, 2**10)
    for ceiling in (U64 - 2, U64 - 1, U64):
        before = world.read(world.credits.functions.accountOf(plan_id, holder.address))[1]
        assert before in (2**64 - 2**10, ceiling - 1)
        world.grant(plan_id, holder.address, ceiling - before)
        item = sign_item(world, plan_id, holder, ceiling)
        assert settle_batch(world, plan_id, item) == [(ceiling - before, SETTLED)]
    world.grant(plan_id, holder.address, 5)
    last, bare = sign_item(world, plan_id, holder, U64), unsigned_item(holder.address, U64)
    outcomes = settle_batch(world, plan_id, last, last.but(total=1), bare, bare.but(total=0))
    assert outcomes == [(0, ALREADY_SETTLED)] * 4
    assert world.balance(plan_id, holder.address) == 5


def _settle_full_accounts(world: World, plan_id: int, holder: str, times: int) -> None:
    """Fill an account and settle all of it, so many times: by a contract that may mint and redeem, in few transactions."""
    actor, functions = world.deploy("Actor"), world.credits.functions
    for allow in (functions.setMinter, functions.setRedeemer):
        world.send(world.builder, allow(plan_id, actor.address, True))
    mint = functions.mint(plan_id, holder, U54)
    calls = [
        call
        for turn in range(1, times + 1)
        for call in (mint, settle(world, plan_id, unsigned_item(holder, turn * U54)))
    ]
    for start in range(0, len(calls), CALLS_AT_ONCE):
        some = through_many(actor, *calls[start : start + CALLS_AT_ONCE])
        assert world.send_with_gas(world.stranger, some, TRANSACTION_GAS_CAP)["status"] == 1


@pytest.mark.parametrize("total", [U64 - 1, U64])
def test_settle__for_the_largest_total__takes_what_there_is(world: World, total: int) -> None:
    plan_id, holder = register_with_redeemer(world), world.subscriber
    world.grant(plan_id, holder.address, 7)
    item = sign_item(world, plan_id, holder, U64, total=total)
    assert settle_batch(world, plan_id, item) == [(7, SHORT)]
