"""Vouchers, signed orders and permits of a world's accounts, the second in which they arrive, and the events that follow."""

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
"""The values of `SettlementResult` in ICredits.sol."""


# ---------------------------------------------------------------------- time


def travel(world: World, timestamp: int) -> None:
    """Have the next block come at this second."""
    if world.chain.label == LABEL:
        world.chain.web3.provider.ethereum_tester.time_travel(timestamp)  # type: ignore[attr-defined]
    else:
        world.chain.web3.provider.make_request("evm_setNextBlockTimestamp", [timestamp])  # type: ignore[arg-type]


def send_at(world: World, timestamp: int, signer: LocalAccount, function: ContractFunction) -> TxReceipt:
    """Send a call that is mined at exactly this second, whether or not it reverts."""
    travel(world, timestamp)
    receipt = world.send_with_gas(signer, function, TRANSACTION_GAS)
    assert world.chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"] == timestamp
    return receipt


# ---------------------------------------------------------------------- vouchers


@dataclass(frozen=True)
class Item:
    """One item as the contract takes it, with a voucher or without: `Settlement` of ICredits.sol."""

    holder: str
    total: int
    ceiling: int
    context: bytes
    deadline: int
    signature: bytes

    def as_tuple(self) -> tuple[Any, ...]:
        """Return it as the ABI encodes it."""
        return (self.holder, self.total, self.ceiling, self.context, self.deadline, self.signature)

    def but(self, **changes: Any) -> "Item":
        """Return the same item with something changed after it was signed."""
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
    """Have a key sign a voucher for the redeemer, of its own credits if nothing else is said, and ask for all up to the ceiling."""
    holder = holder or signer.address
    values = (plan_id, holder, redeemer or world.redeemer.address, ceiling, context, deadline)
    signature = sign_struct(signer, domain or domain_of(world), VOUCHER, values)
    return Item(holder, ceiling if total is None else total, ceiling, context, deadline, signature)


def unsigned_item(holder: str, total: int) -> Item:
    """Return an item without signature, whose other fields are as empty as can be."""
    return Item(holder, total, 0, NO_CONTEXT, 0, b"")


def domain_of(world: World) -> Domain:
    """Return the domain in which Credits takes vouchers."""
    return credits_domain(world.chain.chain_id, world.credits.address)


def digest_on_chain(world: World, voucher: Voucher) -> bytes:
    """Return the digest of a voucher as the contract has it."""
    return bytes(world.read(world.credits.functions.voucherDigestOf(voucher.as_tuple())))


def settle(world: World, plan_id: int, *items: Item) -> ContractFunction:
    """Return the call that settles a batch."""
    return world.credits.functions.settle(plan_id, [item.as_tuple() for item in items])


def register_with_redeemer(world: World, **changes: Any) -> int:
    """Register a plan of the builder's with the redeemer approved."""
    plan_id = world.register(**changes)
    world.send(world.builder, world.credits.functions.setRedeemer(plan_id, world.redeemer.address, True))
    return plan_id


# ---------------------------------------------------------------------- signed orders and permits


def domain_of_token(world: World, token: Contract | None = None) -> Domain:
    """Return the domain of a token that calls itself by name and version."""
    functions = (token or world.usdc).functions
    name, version = world.read(functions.name()), world.read(functions.version())
    return Domain(name, version, world.chain.chain_id, functions.name().address)


def order_of(world: World, plan_id: int, *, max_cost: int, **changes: Any) -> OrderAuthorization:
    """Return an order of the subscriber for themselves, changed as given, that counts at any time."""
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
    """Return an order as the ABI encodes it: `OrderAuthorization` of ICredits.sol."""
    who = (order.plan_id, order.payer, order.receiver, order.quantity, order.max_cost)
    return (*who, order.valid_after, order.valid_before, order.salt)


def sign(world: World, order: OrderAuthorization, *, token: Domain | None = None) -> bytes:
    """Have the subscriber sign an order, by default in TestUSDC's domain."""
    domain = token or domain_of_token(world)
    return sign_order(world.subscriber, order, token=domain, contract=world.credits.address).signature


def bring(world: World, order: OrderAuthorization, signature: bytes) -> ContractFunction:
    """Return the call that brings a signed order."""
    return world.credits.functions.orderWithAuthorization(as_tuple(order), signature)


def nonce_on_chain(world: World, order: OrderAuthorization) -> bytes:
    """Return the authorization's nonce as the contract has it."""
    return bytes(world.read(world.credits.functions.authorizationNonceOf(as_tuple(order))))


CANCEL = StructType("CancelAuthorization(address authorizer,bytes32 nonce)")


def sign_cancelation(world: World, order: OrderAuthorization) -> bytes:
    """Have the subscriber sign that TestUSDC takes an order's authorization for used."""
    return sign_struct(world.subscriber, domain_of_token(world), CANCEL, (order.payer, nonce_on_chain(world, order)))


def permit_of(world: World, value: int, *, owner: LocalAccount | None = None, **changes: Any) -> Permit:
    """Return the permit for Credits that an account, by default the subscriber, would sign next on TestUSDC."""
    address = (owner or world.subscriber).address
    nonce = int(world.read(world.usdc.functions.nonces(address)))
    values = {"owner": address, "spender": world.credits.address, "value": value, "nonce": nonce, "deadline": FOREVER}
    return Permit(**{**values, **changes})


def sign_the_permit(world: World, permit: Permit, signer: LocalAccount | None = None) -> PermitSignature:
    """Sign a permit on TestUSDC as its owner."""
    return sign_permit(signer or world.subscriber, permit, token=domain_of_token(world))


# ---------------------------------------------------------------------- events


def paid(plan_id: int, payer: str, quantity: int, cost: int, context: bytes) -> Event:
    """A request was paid."""
    arguments = {"planId": plan_id, "payer": payer, "quantity": quantity, "cost": cost, "context": context}
    return ("UsagePaid", arguments)


def settled(plan_id: int, redeemer: str, count: int, amount: int) -> Event:
    """A batch of vouchers was settled."""
    return ("Settled", {"planId": plan_id, "redeemer": redeemer, "count": count, "credits": amount})


def not_fully_settled(plan_id: int, holder: str, amount: int, result: int) -> Event:
    """A voucher brought less than was asked for."""
    return ("NotFullySettled", {"planId": plan_id, "holder": holder, "amount": amount, "result": result})


def granted_external(plan_id: int, to: str, quantity: int, reference: bytes) -> Event:
    """A plan was granted for a payment outside."""
    arguments = {"planId": plan_id, "to": to, "quantity": quantity, "paymentReference": reference}
    return ("GrantedExternal", arguments)


def plan_of_two(world: World) -> dict[str, Any]:
    """Return the terms by which the builder gets 700 and the partner 300 of a price of 1000."""
    return {"splits": (Split(world.builder.address, 700), Split(world.partner.address, 300))}


def usage(world: World, **changes: Any) -> dict[str, Any]:
    """Return the terms of a usage plan, changed as given."""
    values: dict[str, Any] = {"kind": PlanKind.USAGE, "credits": 0, "min_redeem": 0, "max_redeem": 0}
    return {**values, **plan_of_two(world), **changes}
