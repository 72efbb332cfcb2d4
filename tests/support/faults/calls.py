"""The public calls for the faults: all that change the state, and the main reads."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import find_record
from nvm_chain.errors import NvmChainError, OrderAlreadyMade, PlanAlreadyRegistered, ReferenceUsed
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata
from nvm_chain.operations import (
    agents,
    credits,
    external_grants,
    named_orders,
    orders,
    plans,
    publishing,
    relays,
    settlement,
    signed_orders,
    tokens,
    usage,
)
from nvm_chain.operations.deployment import deploy
from nvm_chain.operations.deployment.plan import plan_deployment
from nvm_chain.operations.payment_methods.choice import PaymentMethod
from nvm_chain.storage.stores import InlineStore
from nvm_chain.types.agents import AttachedPlan
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.faults.stage import REFERENCE, Stage
from tests.support.world import CREDITS, PRICE

SALT: Final = b"\x07" * 32
NAME: Final = "invoice 7"
URI: Final = "https://example.com/other.json"
AGENT: Final = AgentMetadata(name="Echo")


@dataclass(frozen=True)
class Scene:
    """The arguments of a call: the prepared world, a connection, and a folder of its own."""

    stage: Stage
    chain: Chain
    folder: Path

    @property
    def plan(self) -> int:
        """The plan with a price in USDC. The subscriber has credits of it."""
        return self.stage.plans["sold"]

    def __getattr__(self, name: str) -> Any:
        """Return an account of the world by its role, or another attribute of the world."""
        return getattr(self.stage.world, name)


Act: TypeAlias = Callable[[Scene], Any]


@dataclass(frozen=True)
class Call:
    """A public call. ``covers`` are the functions that it tests."""

    name: str
    act: Act
    covers: tuple[Any, ...] = ()
    repeats: tuple[type[NvmChainError], ...] | None = None
    """The errors of a repeated call, if only one of the repeated calls can be paid."""
    is_many: bool = False
    """Whether the call returns an outcome for each of many transactions, in order: a receipt or an error."""
    parts_told: Callable[[Scene], bool] | None = None
    """Whether the call records its successful transactions, so that the next call continues from there."""


def _order(method: PaymentMethod | None = None, plan: str = "sold", payer: str = "subscriber", **more: Any) -> Act:
    return lambda s: orders.order_plan(s.chain, getattr(s, payer), s.stage.plans[plan], payment_method=method, **more)


def _pay_usage(plan: str, payer: str, **more: Any) -> Act:
    return lambda s: usage.pay_usage(s.chain, getattr(s, payer), s.stage.plans[plan], context="request 1", **more)


def _price(s: Scene) -> Any:
    return get_erc20_price_config(PRICE, s.usdc.address, s.builder.address)


def _register(s: Scene) -> Any:
    return plans.register_plan(s.chain, s.builder, _price(s), get_fixed_credits_config(CREDITS), salt=SALT)


def _publish(s: Scene) -> Any:
    return publishing.publish_plan(
        s.chain,
        s.builder,
        PlanMetadata(name="Plan"),
        _price(s),
        get_fixed_credits_config(CREDITS),
        store=InlineStore(),
        salt=SALT,
    )


def _deploy(s: Scene) -> Any:
    signer = s.other
    plan = plan_deployment(s.chain, signer.address, signer.address, create2=False, folder=s.folder)
    return deploy.deploy_contracts(s.chain, signer, plan, folder=s.folder)


def _send_many(s: Scene) -> Any:
    mint = s.chain.credits.functions.mint
    return s.chain.send_many(s.builder, [mint(s.plan, s.other.address, amount) for amount in range(1, 6)])


def _deploy_usdc(s: Scene) -> str:
    """Deploy TestUSDC if there is none at its usual address."""
    s.stage.world.chain.ask_development_node("anvil_setCode", s.stage.world.usdc.address, "0x")
    return deploy.find_or_deploy_usdc(s.chain, s.other, s.folder)


def _is_recorded(s: Scene) -> bool:
    """Return whether the record of a deployed Credits exists, so that the next call continues from it."""
    return find_record(s.chain.chain_id, s.folder, "Credits") is not None


def _attached(s: Scene, *names: str) -> list[AttachedPlan]:
    return [AttachedPlan(s.stage.plans[name], 1, 2) for name in names]


ORDERS: Final = (
    Call("order_plan", _order(), (orders.order_plan,)),
    Call("order_plan, allowance", _order("allowance", payer="partner")),
    Call("order_plan, approve", _order("approve"), ()),
    Call("order_plan, permit", _order("permit")),
    Call("order_plan, authorization", _order("authorization", salt=SALT), repeats=(OrderAlreadyMade,)),
    Call("order_plan, coin", _order(plan="coin")),
    Call("order_plan, free", _order(plan="free")),
    Call(
        "order_once",
        lambda s: named_orders.order_once(s.chain, s.subscriber, s.plan, NAME),
        (named_orders.order_once,),
        repeats=(),
    ),
    Call(
        "relay_order",
        lambda s: signed_orders.relay_order(s.chain, s.relayer, s.stage.orders[0]),
        (signed_orders.relay_order, signed_orders.send_signed_order),
        repeats=(OrderAlreadyMade,),
    ),
    Call(
        "relay_orders",
        lambda s: relays.relay_orders(s.chain, s.relayer, s.stage.orders),
        (relays.relay_orders,),
        is_many=True,
        repeats=(),
    ),
    Call("pay_usage, approve", _pay_usage("usage", "subscriber"), (usage.pay_usage,)),
    Call("pay_usage, allowance", _pay_usage("usage", "partner", payment_method="allowance")),
    Call("pay_usage, coin", _pay_usage("coin usage", "subscriber")),
)
CREDITS_CALLS: Final = (
    Call(
        "mint_credits",
        lambda s: credits.mint_credits(s.chain, s.builder, s.plan, s.other.address, 5),
        (credits.mint_credits,),
    ),
    Call(
        "mint_credits_batch",
        lambda s: credits.mint_credits_batch(s.chain, s.builder, s.plan, {s.other.address: 5, s.partner.address: 6}),
        (credits.mint_credits_batch,),
    ),
    Call(
        "grant_external",
        lambda s: credits.grant_external(s.chain, s.builder, s.plan, s.other.address, reference=REFERENCE),
        (credits.grant_external,),
        repeats=(ReferenceUsed,),
    ),
    Call(
        "grant_external_batch",
        lambda s: external_grants.grant_external_batch(
            s.chain, s.builder, s.plan, [(s.other.address, f"invoice {number}") for number in (8, 9, 10)]
        ),
        (external_grants.grant_external_batch,),
        is_many=True,
        repeats=(),
    ),
    Call(
        "redeem_credits",
        lambda s: credits.redeem_credits(s.chain, s.subscriber, s.plan, 2, context="request 1"),
        (credits.redeem_credits,),
    ),
    Call("burn_credits", lambda s: credits.burn_credits(s.chain, s.subscriber, s.plan, 4), (credits.burn_credits,)),
    Call(
        "transfer_credits",
        lambda s: credits.transfer_credits(s.chain, s.subscriber, s.stage.plans["transferable"], s.other.address, 6),
        (credits.transfer_credits,),
    ),
    Call(
        "settle_vouchers",
        lambda s: settlement.settle_vouchers(s.chain, s.builder, s.plan, [s.stage.voucher]),
        (settlement.settle_vouchers,),
    ),
    Call(
        "approve_token_spending",
        lambda s: tokens.approve_token_spending(s.chain, s.subscriber, s.usdc.address, 9),
        (tokens.approve_token_spending,),
    ),
    Call(
        "mint_test_usdc",
        lambda s: tokens.mint_test_usdc(s.chain, s.other, s.other.address, 9),
        (tokens.mint_test_usdc,),
    ),
)
PLAN_CALLS: Final = (
    Call("register_plan", _register, (plans.register_plan,), repeats=(PlanAlreadyRegistered,)),
    Call("publish_plan", _publish, (publishing.publish_plan,), repeats=(PlanAlreadyRegistered,)),
    Call(
        "set_plan_active",
        lambda s: plans.set_plan_active(s.chain, s.builder, s.plan, False),
        (plans.set_plan_active,),
    ),
    Call("set_plan_uri", lambda s: plans.set_plan_uri(s.chain, s.builder, s.plan, URI), (plans.set_plan_uri,)),
    Call(
        "set_redeemer",
        lambda s: plans.set_redeemer(s.chain, s.builder, s.plan, s.redeemer.address, True),
        (plans.set_redeemer,),
    ),
    Call(
        "set_minter",
        lambda s: plans.set_minter(s.chain, s.builder, s.plan, s.minter.address, True),
        (plans.set_minter,),
    ),
    Call(
        "transfer_plan_ownership",
        lambda s: plans.transfer_plan_ownership(s.chain, s.builder, s.plan, s.partner.address),
        (plans.transfer_plan_ownership,),
    ),
    Call(
        "accept_plan_ownership",
        lambda s: plans.accept_plan_ownership(s.chain, s.partner, s.stage.plans["offered"]),
        (plans.accept_plan_ownership,),
    ),
)
AGENT_CALLS: Final = (
    Call(
        "register_agent",
        lambda s: agents.register_agent(s.chain, s.builder, AGENT, _attached(s, "sold")),
        (agents.register_agent,),
    ),
    Call(
        "publish_agent",
        lambda s: publishing.publish_agent(s.chain, s.builder, AGENT, _attached(s, "sold"), store=InlineStore()),
        (publishing.publish_agent,),
    ),
    Call(
        "republish_agent",
        lambda s: publishing.republish_agent(s.chain, s.builder, s.stage.agent, AGENT, store=InlineStore()),
        (publishing.republish_agent,),
    ),
    Call(
        "update_agent",
        lambda s: agents.update_agent(s.chain, s.builder, s.stage.agent, URI),
        (agents.update_agent,),
    ),
    Call(
        "transfer_agent",
        lambda s: agents.transfer_agent(s.chain, s.builder, s.stage.agent, s.other.address),
        (agents.transfer_agent,),
    ),
    Call(
        "attach_plan",
        lambda s: agents.attach_plan(s.chain, s.builder, s.stage.agent, s.stage.plans["free"]),
        (agents.attach_plan,),
    ),
    Call(
        "detach_plan",
        lambda s: agents.detach_plan(s.chain, s.builder, s.stage.agent, s.plan),
        (agents.detach_plan,),
    ),
    Call(
        "replace_plans",
        lambda s: agents.replace_plans(s.chain, s.builder, s.stage.agent, _attached(s, "free")),
        (agents.replace_plans,),
    ),
)
CHAIN_CALLS: Final = (
    Call("deploy_contracts", _deploy, (deploy.deploy_contracts,), parts_told=_is_recorded),
    Call("find_or_deploy_usdc", _deploy_usdc, (deploy.find_or_deploy_usdc,)),
    Call(
        "Chain.send_data",
        lambda s: s.chain.send_data(s.subscriber, "0x", s.fee_receiver.address, 7),
        (Chain.send_data,),
    ),
    Call(
        "Chain.send",
        lambda s: s.chain.send(s.subscriber, s.chain.credits.functions.setApprovalForAll(s.other.address, True)),
        (Chain.send,),
    ),
    Call("Chain.send_many", _send_many, (Chain.send_many,), is_many=True),
    Call(
        "Chain.deploy",
        lambda s: s.chain.deploy(s.other, read_artifact("TestUSDC").encode_creation()),
        (Chain.deploy,),
    ),
)
WRITES: Final = (*ORDERS, *CREDITS_CALLS, *PLAN_CALLS, *AGENT_CALLS, *CHAIN_CALLS)
"""The calls that change the state."""
