"""Vouchers, signed orders and permits of a world's accounts, the times of their blocks, and the expected events."""

from dataclasses import dataclass, replace
from typing import Any

from eth_account.signers.local import LocalAccount
from web3.contract.contract import Contract, ContractFunction
from web3.types import TxReceipt

from nvm_chain.chain.embedded import LABEL
from nvm_chain.enums import PlanKind
from nvm_chain.signing.eip712 import Domain, StructType, sign_struct
from nvm_chain.signing.permits import Permit, PermitSignature, sign_permit
from nvm_chain.signing.signed_orders import OrderAuthorization, sign_order
from nvm_chain.signing.vouchers import VOUCHER, Voucher, credits_domain
from nvm_chain.types.prices import Split
from tests.support.events import Event
from tests.support.world import NO_CONTEXT, World

FOREVER = 2**64 - 1
TRANSACTION_GAS = 5_000_000

SETTLED, SHORT, EXPIRED, ALREADY_SETTLED, NOT_SIGNED = range(5)
"""The values of the enum `SettlementResult` in ICredits.sol."""


# ---------------------------------------------------------------------- time


def travel(world: World, timestamp: int) -> None:
    """Set the timestamp of the next block."""
    if world.chain.label == LABEL:
        world.chain.web3.provider.ethereum_tester.time_travel(timestamp)  # type: ignore[attr-defined]
    else:
        world.chain.web3.provider.make_request("evm_setNextBlockTimestamp", [timestamp])  # type: ignore[arg-type]


def send_at(world: World, timestamp: int, signer: LocalAccount, function: ContractFunction) -> TxReceipt:
    """Send a call in a block with exactly this timestamp, whether or not the call reverts."""
    travel(world, timestamp)
    receipt = world.send_with_gas(signer, function, TRANSACTION_GAS)
    assert world.chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"] == timestamp
    return receipt


# ---------------------------------------------------------------------- vouchers


@dataclass(frozen=True)
class Item:
    """One item of a settlement, with or without a voucher: `Settlement` in ICredits.sol."""

    holder: str
    total: int
    ceiling: int
    context: bytes
    deadline: int
    signature: bytes

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the item as ABI values."""
        return (self.holder, self.total, self.ceiling, self.context, self.deadline, self.signature)

    def but(self, **changes: Any) -> "Item":
        """Return a copy of the item with changes after its signature."""
        return replace(self, **changes)


def sign_item(
    world: World,
    plan_id: int,
    signer: LocalAccount,
    ceiling: int,
    *,
    total: int | None = None,
    holder: str | None = None,
    redeemer: str | None = None,
    context: bytes = NO_CONTEXT,
    deadline: int = FOREVER,
    domain: Domain | None = None,
) -> Item:
    """Return an item with a voucher for the redeemer, which a key signs.

    By default the voucher is about the key's own credits, and the item claims all up to the ceiling.
    """
    holder = holder or signer.address
    values = (plan_id, holder, redeemer or world.redeemer.address, ceiling, context, deadline)
    signature = sign_struct(signer, domain or domain_of(world), VOUCHER, values)
    return Item(holder, ceiling if total is None else total, ceiling, context, deadline, signature)


def unsigned_item(holder: str, total: int) -> Item:
    """Return an item without a signature. Its other fields are as empty as possible."""
    return Item(holder, total, 0, NO_CONTEXT, 0, b"")


def domain_of(world: World) -> Domain:
    """Return the EIP-712 domain of Credits' vouchers."""
    return credits_domain(world.chain.chain_id, world.credits.address)


def digest_on_chain(world: World, voucher: Voucher) -> bytes:
    """Return the digest of a voucher from the contract."""
    return bytes(world.read(world.credits.functions.voucherDigestOf(voucher.as_tuple())))


def settle(world: World, plan_id: int, *items: Item) -> ContractFunction:
    """Return the call that settles a batch."""
    return world.credits.functions.settle(plan_id, [item.as_tuple() for item in items])


def register_with_redeemer(world: World, **changes: Any) -> int:
    """Register a plan of the builder with the redeemer approved."""
    plan_id = world.register(**changes)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    return plan_id


# ---------------------------------------------------------------------- signed orders and permits


def domain_of_token(world: World, token: Contract | None = None) -> Domain:
    """Return the EIP-712 domain of a token with this name and version."""
    functions = (token or world.usdc).functions
    name, version = world.read(functions.name()), world.read(functions.version())
    return Domain(name, version, world.chain.chain_id, functions.name().address)


def order_of(world: World, plan_id: int, *, max_cost: int, **changes: Any) -> OrderAuthorization:
    """Return an order of the subscriber for themselves, valid at any time, with changes."""
    values: dict[str, Any] = {
        "plan_id": plan_id,
        "payer": world.subscriber.address,
        "receiver": world.subscriber.address,
        "quantity": 1,
        "max_cost": max_cost,
        "valid_after": 0,
        "valid_before": FOREVER,
        "salt": bytes(31) + b"\1",
    }
    return OrderAuthorization(**{**values, **changes})


def as_tuple(order: OrderAuthorization) -> tuple[Any, ...]:
    """Return an order as ABI values: `OrderAuthorization` in ICredits.sol."""
    who = (order.plan_id, order.payer, order.receiver, order.quantity, order.max_cost)
    return (*who, order.valid_after, order.valid_before, order.salt)


def sign(world: World, order: OrderAuthorization, *, token: Domain | None = None) -> bytes:
    """Sign an order as the subscriber, by default in TestUSDC's domain."""
    domain = token or domain_of_token(world)
    return sign_order(world.subscriber, order, token=domain, contract=world.credits.address).signature


def bring(world: World, order: OrderAuthorization, signature: bytes) -> ContractFunction:
    """Return the call that submits a signed order."""
    return world.credits.functions.orderWithAuthorization(as_tuple(order), signature)


def nonce_on_chain(world: World, order: OrderAuthorization) -> bytes:
    """Return the nonce of the authorization from the contract."""
    return bytes(world.read(world.credits.functions.authorizationNonceOf(as_tuple(order))))


CANCEL = StructType("CancelAuthorization(address authorizer,bytes32 nonce)")


def sign_cancelation(world: World, order: OrderAuthorization) -> bytes:
    """Sign as the subscriber that TestUSDC must count an order's authorization as used."""
    return sign_struct(world.subscriber, domain_of_token(world), CANCEL, (order.payer, nonce_on_chain(world, order)))


def permit_of(world: World, value: int, *, owner: LocalAccount | None = None, **changes: Any) -> Permit:
    """Return the next permit of an account for Credits on TestUSDC. By default the account is the subscriber."""
    address = (owner or world.subscriber).address
    nonce = int(world.read(world.usdc.functions.nonces(address)))
    values = {"owner": address, "spender": world.credits.address, "value": value, "nonce": nonce, "deadline": FOREVER}
    return Permit(**{**values, **changes})


def sign_the_permit(world: World, permit: Permit, signer: LocalAccount | None = None) -> PermitSignature:
    """Sign a permit on TestUSDC as its owner."""
    return sign_permit(signer or world.subscriber, permit, token=domain_of_token(world))


# ---------------------------------------------------------------------- events


def paid(plan_id: int, payer: str, quantity: int, cost: int, context: bytes) -> Event:
    """Return the event of a paid request."""
    arguments = {"planId": plan_id, "payer": payer, "quantity": quantity, "cost": cost, "context": context}
    return ("UsagePaid", arguments)


def settled(plan_id: int, redeemer: str, count: int, amount: int) -> Event:
    """Return the event of a settled batch of vouchers."""
    return ("Settled", {"planId": plan_id, "redeemer": redeemer, "count": count, "credits": amount})


def not_fully_settled(plan_id: int, holder: str, amount: int, result: int) -> Event:
    """Return the event of a voucher that brought less than its claim."""
    return ("NotFullySettled", {"planId": plan_id, "holder": holder, "amount": amount, "result": result})


def granted_external(plan_id: int, to: str, quantity: int, reference: bytes) -> Event:
    """Return the event of a grant for a payment outside the chain."""
    arguments = {"planId": plan_id, "to": to, "quantity": quantity, "paymentReference": reference}
    return ("GrantedExternal", arguments)


def plan_of_two(world: World) -> dict[str, Any]:
    """Return the terms of a price of 1000: 700 for the builder and 300 for the partner."""
    return {"splits": (Split(world.builder.address, 700), Split(world.partner.address, 300))}


def usage(world: World, **changes: Any) -> dict[str, Any]:
    """Return the terms of a usage plan, with changes."""
    values: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}
    return {**values, **plan_of_two(world), **changes}
