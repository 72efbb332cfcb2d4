"""Measurement of the gas of each operation, from receipts, on any chain with Credits and a TestUSDC."""

import itertools
from collections.abc import Callable
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from nvm_chain.chain.artifacts import ContractName, read_artifact
from nvm_chain.enums import PlanKind, RedemptionRule
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.permits import Permit, sign_permit
from nvm_chain.signing.signed_orders import OrderAuthorization, sign_order
from nvm_chain.signing.vouchers import Voucher, sign_voucher
from nvm_chain.types.prices import Split
from tests.support.fiat_token import deploy_fiat_token, let_mint
from tests.support.world import MAX_FEE_BPS, NO_CONTEXT, PRICE, ZERO, World

BATCHES = (1, 10, 100)
BATCH_GAS = 12_000_000
LOTS = (1, 10, 50, 200)
DAYS_100 = 100 * 86_400
FOREVER = 2**64 - 1
MANY_PLANS = 100
CONTEXT = b"\xc0" * 32
USAGE = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}


def measure_gas(world: World) -> dict[str, int]:
    """Return the gas of each operation, in the order of the table.

    An order's gas is given without a plain transferFrom.
    """
    _use_fixed_actors(world)
    world.fund(world.subscriber)
    world.send(world.partner, world.usdc.functions.mint(world.builder.address, 1))
    plain = _plain_transfer(world)
    rows = {"transferFrom of the same token, whole transaction": plain}
    for measure in (
        _orders,
        _signed_orders,
        _orders_without_token,
        _expiring,
        _holders,
        _settlements,
        _owners,
        _deployment,
        _in_usdc,
    ):
        rows.update(measure(world, plain))
    return rows


def _in_usdc(world: World, plain: int) -> dict[str, int]:
    """Return the gas of orders with Circle's own token: FiatToken v2.2 behind its proxy."""
    token = deploy_fiat_token(world)
    let_mint(world, token, world.builder, world.subscriber, world.redeemer, world.partner, world.other)
    stand_in, world.chain.usdc = world.chain.usdc, token.address
    try:
        world.fund(world.subscriber)
        world.send(world.partner, world.usdc.functions.mint(world.builder.address, 1))
        plain = _plain_transfer(world)
        rows = {"transferFrom, whole transaction": plain}
        rows["order, new holder: over transferFrom"], rows["order again: over transferFrom"] = _twice(
            world, plain, _register(world)
        )
        signed = _signed_orders(world, plain)
        expiring = _renewals(world, plain)
        return {f"in FiatToken v2.2: {name}": gas for name, gas in (rows | signed | expiring).items()}
    finally:
        world.chain.usdc = stand_in


def _use_fixed_actors(world: World) -> None:
    """Give the roles to the same accounts on every chain. Their addresses have no zero byte, which costs less gas."""
    bank = world.fee_owner
    accounts = (_account(key) for key in itertools.count(1))
    plain = (account for account in accounts if 0 not in bytes.fromhex(account.address[2:]))
    for role in ("builder", "subscriber", "redeemer", "partner", "other", "fee_receiver"):
        account = next(plain)
        world.chain.send_data(bank, "0x", account.address, value=10**20)
        setattr(world, role, account)


def _account(key: int) -> LocalAccount:
    account: LocalAccount = Account.from_key(key.to_bytes(32, "big"))
    return account


def _register(world: World, **changes: Any) -> int:
    """Register a plan whose id has no zero byte either."""
    while True:
        plan_id = world.register(**changes)
        if 0 not in plan_id.to_bytes(32, "big"):
            return plan_id


def _gas(receipt: TxReceipt) -> int:
    assert receipt["status"] == 1
    return int(receipt["gasUsed"])


def _plain_transfer(world: World) -> int:
    """Return the gas of a transferFrom by an approved account, between two accounts that hold the token."""
    world.send(world.subscriber, world.usdc.functions.approve(world.partner.address, 10 * PRICE))
    transfer = world.usdc.functions.transferFrom(world.subscriber.address, world.builder.address, PRICE)
    return _gas(world.send(world.partner, transfer))


def _order(world: World, plan_id: int, value: int = 0) -> int:
    """Order a plan for the subscriber, with the price as `maxCost`. The bytes of 2^256 - 1 would cost 348 gas more."""
    subscriber = world.subscriber
    order = world.credits.functions.order(plan_id, subscriber.address, 1, PRICE)
    return _gas(world.send(subscriber, order, value))


def _twice(world: World, plain: int, plan_id: int, value: int = 0) -> tuple[int, int]:
    first, again = (_order(world, plan_id, value) - plain for _ in range(2))
    return first, again


def _orders(world: World, plain: int) -> dict[str, int]:
    rows = {}
    rows["order, new holder: over transferFrom"], rows["order again: over transferFrom"] = _twice(
        world, plain, _register(world)
    )
    world.send(world.partner, world.usdc.functions.mint(world.fee_receiver.address, 1))
    world.set_fee(100)
    rows["order again with a protocol fee: over transferFrom"] = _twice(world, plain, _register(world))[1]
    world.set_fee(0)
    rows["order again with 16 receivers: over transferFrom"] = _twice(world, plain, _with_16_receivers(world))[1]
    first = _register(world)
    _order(world, first)
    for _ in range(MANY_PLANS):
        world.register(token=ZERO, splits=())
    rows[f"order again after {MANY_PLANS} other plans: over transferFrom"] = _order(world, first) - plain
    return rows


def _signed_orders(world: World, plain: int) -> dict[str, int]:
    plan_id, token = _register(world), read_token_domain(world.chain, world.usdc.address)
    _order(world, plan_id)
    permits = [_send_permit_order(world, plan_id, token) for _ in range(2)]
    relayed = [_relay_order(world, plan_id, token, start) for start in (1, 100)]
    usage = _register(world, **USAGE)
    pay = world.credits.functions.payUsage(usage, 1, PRICE, CONTEXT)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, 10 * PRICE))
    return {
        "order again with a permit, new allowance: over transferFrom": permits[1] - plain,
        "order again by a relayer, with an authorization: over transferFrom": relayed[1] - plain,
        "pay for a request of a usage plan: over transferFrom": _gas(world.send(world.subscriber, pay)) - plain,
    }


def _send_permit_order(world: World, plan_id: int, token: Domain) -> int:
    payer = world.subscriber
    nonce = world.read(world.usdc.functions.nonces(payer.address))
    for deadline in range(FOREVER, 0, -1):
        permit = Permit(payer.address, world.credits.address, PRICE, nonce, deadline)
        signature = sign_permit(payer, permit, token=token)
        if signature.v == 27 and 0 not in signature.r + signature.s:  # the token first compares v with 27
            break
    function = world.credits.functions.orderWithPermit(plan_id, payer.address, 1, PRICE, (deadline, *signature))
    return _gas(world.send(payer, function))


def _relay_order(world: World, plan_id: int, token: Domain, start: int) -> int:
    payer = world.subscriber
    for number in range(start, 256):
        values = (plan_id, payer.address, payer.address, 1, PRICE, 0, FOREVER, bytes([number]) * 32)
        signed = sign_order(payer, OrderAuthorization(*values), token=token, contract=world.credits.address)
        if 0 not in signed.signature:
            break
    return _gas(world.send(world.partner, world.credits.functions.orderWithAuthorization(values, signed.signature)))


def _expiring(world: World, plain: int) -> dict[str, int]:
    """Return the gas with many lots.

    The first half of the lots expires at once, so the first live lot must be found.
    """
    rows = _renewals(world, plain)
    rows[f"order of an expiring plan again with {LOTS[-1]} lots: over transferFrom"] = 0  # measured below
    for count in LOTS:
        held = _register(world, duration=DAYS_100)
        _give_lots(world, held, count // 2)
        world.mine_at(world.now + DAYS_100 // 2)
        _give_lots(world, held, count - count // 2)
        if count == LOTS[-1]:
            rows[f"burn on an expiring plan with {count} lots, none expired, whole transaction"] = _burn_one(
                world, held
            )
        world.mine_at(world.now + DAYS_100 // 2 + 1)
        rows[f"burn on an expiring plan with {_lots(count)}, whole transaction"] = _burn_one(world, held)
    rows[f"order of an expiring plan again with {LOTS[-1]} lots: over transferFrom"] = _order(world, held) - plain
    return rows


def _renewals(world: World, plain: int) -> dict[str, int]:
    """Return the gas of orders of an expiring plan: first, after all lots have expired, and with live lots."""
    plan_id = _register(world, duration=DAYS_100)
    first = _order(world, plan_id)
    world.mine_at(world.now + DAYS_100 + 1)
    after = _order(world, plan_id)
    second, *later = (_order(world, plan_id) for _ in range(4))
    assert len(set(later)) == 1
    name = "order of an expiring plan"
    return {
        f"{name}, new holder: over transferFrom": first - plain,
        f"{name} after the last has expired: over transferFrom": after - plain,
        f"{name}, second with live lots: over transferFrom": second - plain,
        f"{name}, third with live lots and later: over transferFrom": later[0] - plain,
    }


def _burn_one(world: World, plan_id: int) -> int:
    burn = world.credits.functions.burn(plan_id, world.subscriber.address, 1)
    return _gas(world.send(world.subscriber, burn))


def _lots(count: int) -> str:
    return f"{count} lots, half expired" if count > 1 else "1 lot"


def _give_lots(world: World, plan_id: int, count: int) -> None:
    """Give the subscriber a number of lots of 5 credits."""
    while count > 0:
        size = min(count, BATCHES[-1])
        function = world.credits.functions.mintBatch(plan_id, [world.subscriber.address] * size, [5] * size)
        _gas(world.send_with_gas(world.builder, function, BATCH_GAS))
        count -= size


def _with_16_receivers(world: World) -> int:
    addresses = _fresh(16)
    for address in addresses:
        world.send(world.partner, world.usdc.functions.mint(address, 1))
    return _register(world, splits=tuple(Split(address, PRICE // 16) for address in addresses))


def _orders_without_token(world: World, plain: int) -> dict[str, int]:
    coin = _register(world, token=ZERO, splits=(Split(world.builder.address, PRICE),))
    free, trial = _register(world, token=ZERO, splits=()), _register(world, token=ZERO, splits=(), trial=True)
    return {
        "order again in the native coin, whole transaction": _twice(world, 0, coin, PRICE)[1],
        "order again of a free plan, whole transaction": _twice(world, 0, free)[1],
        "order of a free trial, whole transaction": _order(world, trial),
    }


def _holders(world: World, plain: int) -> dict[str, int]:
    holder = world.subscriber
    held, served = _register(world, transferable=True), _register(world, rule=RedemptionRule.REDEEMER)
    world.send(world.builder, world.credits.functions.setRedeemer(served, world.redeemer.address, True))
    for plan_id in (held, served):
        _order(world, plan_id)
    world.grant(held, world.other.address, 1)
    functions = world.credits.functions

    def own(function: Callable[[], TxReceipt]) -> int:
        function()  # an account's first spend costs the same, because its slot is written already
        return _gas(function())

    redeem = functions.redeem(held, holder.address, 5, NO_CONTEXT)
    served_redeem = functions.redeem(served, holder.address, 5, NO_CONTEXT)
    transfer = functions.safeTransferFrom(holder.address, world.other.address, held, 5, b"")
    return {
        "burn by the holder, whole transaction": own(
            lambda: world.send(holder, functions.burn(held, holder.address, 5))
        ),
        "redeem by the holder, whole transaction": own(lambda: world.send(holder, redeem)),
        "redeem by a redeemer, whole transaction": own(lambda: world.send(world.redeemer, served_redeem)),
        "safeTransferFrom to a holder, whole transaction": own(lambda: world.send(holder, transfer)),
    }


def _settlements(world: World, plain: int) -> dict[str, int]:
    """Return the gas of vouchers of 5 credits.

    Each holder had a voucher settled before. The signed data have as few zero bytes as possible.
    """
    plan_id = _register(world)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    rows = {}
    for size in BATCHES:
        holders = [_account(size * 10**7 + number) for number in range(1, size + 1)]
        addresses = [holder.address for holder in holders]
        mint = world.credits.functions.mintBatch(plan_id, addresses, [10] * size)
        _gas(world.send_with_gas(world.builder, mint, BATCH_GAS))
        for ceiling in (5, 10):
            items = [_sign_settlement(world, plan_id, holder, ceiling) for holder in holders]
            settle = world.credits.functions.settle(plan_id, items)
            gas = _gas(world.send_with_gas(world.redeemer, settle, BATCH_GAS))
        rows[f"settle vouchers in a batch of {size}, per voucher"] = gas // size
    rows["settle by rule, without signatures, in a batch of 100, per item"] = _settle_by_rule(world) // 100
    return rows


def _settle_by_rule(world: World) -> int:
    """Return the gas to settle 5 credits of each of 100 holders without vouchers.

    Each holder had credits settled before, and the plan's rule allows the redeemer to take credits.
    """
    plan_id = _register(world, rule=RedemptionRule.REDEEMER)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    holders = [_account(9 * 10**7 + number).address for number in range(1, 101)]
    mint = world.credits.functions.mintBatch(plan_id, holders, [10] * 100)
    _gas(world.send_with_gas(world.builder, mint, BATCH_GAS))
    for total in (5, 10):
        items = [(holder, total, 0, NO_CONTEXT, 0, b"") for holder in holders]
        gas = _gas(world.send_with_gas(world.redeemer, world.credits.functions.settle(plan_id, items), BATCH_GAS))
    return gas


def _sign_settlement(world: World, plan_id: int, holder: LocalAccount, ceiling: int) -> tuple[object, ...]:
    """Return an item whose context and signature have no zero byte."""
    chain_id, contract = world.chain.chain_id, world.credits.address
    for number in range(1, 256):
        voucher = Voucher(plan_id, holder.address, world.redeemer.address, ceiling, bytes([number]) * 32, FOREVER)
        signature = sign_voucher(holder, voucher, chain_id=chain_id, contract=contract).signature
        if 0 not in signature:
            break
    return (holder.address, ceiling, ceiling, voucher.context, FOREVER, signature)


def _owners(world: World, plain: int) -> dict[str, int]:
    plan_id = _register(world)
    rows = {"mint to a new holder, whole transaction": _gas(_mint(world, plan_id, _fresh(2)[0]))}
    for size in BATCHES:
        function = world.credits.functions.mintBatch(plan_id, _fresh(size), [5] * size)
        receipt = world.send_with_gas(world.builder, function, BATCH_GAS)
        rows[f"mint to new holders in a batch of {size}, per holder"] = _gas(receipt) // size
    rows["register a coin plan with 1 receiver, whole transaction"] = _registration(world, 1)
    rows["register a coin plan with 16 receivers, whole transaction"] = _registration(world, 16)
    return rows


def _fresh(count: int) -> list[ChecksumAddress]:
    """Return addresses that never held anything. They are the same at every run."""
    return [_account(count * 10**6 + index).address for index in range(1, count + 1)]


def _mint(world: World, plan_id: int, to: str) -> TxReceipt:
    return world.send(world.builder, world.credits.functions.mint(plan_id, to, 5))


def _registration(world: World, count: int) -> int:
    splits = tuple(Split(world.builder.address, PRICE) for _ in range(count))
    function = world.credits.functions.registerPlan(
        world.terms(splits=splits, token=ZERO).as_tuple(), bytes([7] * 32), "", MAX_FEE_BPS
    )
    return _gas(world.send(world.builder, function))


def _deployment(world: World, plain: int) -> dict[str, int]:
    credits = _deploy(world, "Credits", world.partner.address)
    agents = _deploy(world, "AgentRegistry", world.credits.address)
    return {
        "deploy Credits, whole transaction": credits,
        "deploy AgentRegistry, whole transaction": agents,
        "deploy both, together": credits + agents,
        "code size of Credits, bytes": len(read_artifact("Credits").runtime_code),
        "code size of AgentRegistry, bytes": len(read_artifact("AgentRegistry").runtime_code),
    }


def _deploy(world: World, name: ContractName, argument: str) -> int:
    code = read_artifact(name).encode_creation(argument)
    return _gas(world.chain.send_data(world.fee_owner, "0x" + code.hex()))
