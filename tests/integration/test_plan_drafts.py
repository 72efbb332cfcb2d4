"""Drafts of plans: they say what a registration would do, fail as it would, and send nothing."""

from typing import Any

import pytest

from nvm_chain.errors import (
    FeeAboveMax,
    InvalidConfig,
    PlanAlreadyRegistered,
    SecretInMetadata,
    SuspiciousPrice,
    TokenWithoutCode,
)
from nvm_chain.operations.plan_drafts import draft_plan
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.tokens import read_token_label
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import PriceConfig, get_erc20_price_config, get_free_price_config
from nvm_chain.types.token_labels import TokenLabel
from tests.support.world import ZERO, World

EMBEDDED_TOO = True
HUNDRED = get_fixed_credits_config(100)
SALT = b"\5" * 32


def build_price(world: World, amount: int = 20_000_000) -> PriceConfig:
    """Return a price that the builder gets."""
    return get_erc20_price_config(amount, world.usdc.address, world.builder.address)


def count_sent(world: World) -> int:
    """Return how many transactions the builder has sent."""
    return int(world.chain.web3.eth.get_transaction_count(world.builder.address))


def test_draft_plan__of_a_plan__has_its_id_terms_fee_and_gas(world: World) -> None:
    world.set_fee(250)
    before, price = count_sent(world), build_price(world)
    draft = draft_plan(world.chain, world.builder.address, price, HUNDRED, uri="ipfs://x", salt=SALT)
    assert count_sent(world) == before
    plan = register_plan(world.chain, world.builder, price, HUNDRED, uri="ipfs://x", salt=draft.salt)
    assert (draft.plan_id, draft.creator, draft.terms) == (plan.plan_id, plan.creator, plan.terms)
    assert (draft.fee_bps, draft.salt, draft.uri) == (plan.fee_bps, plan.salt, "ipfs://x") == (250, SALT, "ipfs://x")
    assert plan.transaction.gas_used is not None
    assert plan.transaction.gas_used <= draft.gas
    assert draft.max_cost_wei == draft.gas * (draft.max_cost_wei // draft.gas) > 0


@pytest.mark.parametrize("make", [draft_plan, register_plan])
def test_plan__that_pays_its_token_itself__is_refused(world: World, make: Any) -> None:
    token, before = world.usdc.address, count_sent(world)
    price = get_erc20_price_config(20_000_000, token, token)
    with pytest.raises(InvalidConfig, match="so its share would be lost"):
        make(world.chain, world.builder.address if make is draft_plan else world.builder, price, HUNDRED)
    assert count_sent(world) == before


def test_draft_plan__without_a_salt__is_another_plan_each_time(world: World) -> None:
    first, second = (draft_plan(world.chain, world.builder.address, get_free_price_config(), HUNDRED) for _ in range(2))
    assert first.plan_id != second.plan_id
    assert first.terms == second.terms


@pytest.mark.parametrize(
    ("amount", "options", "error"),
    [
        (20, {}, SuspiciousPrice),
        (20_000_000, {"max_fee_bps": 249}, FeeAboveMax),
        (20_000_000, {"uri": "https://user:secret@example.com/plan.json"}, SecretInMetadata),
        (20_000_000, {"salt": b"short"}, InvalidConfig),
    ],
)
def test_draft_plan__that_could_not_be_registered__fails_as_the_registration_does(
    world: World, amount: int, options: dict[str, Any], error: type[Exception]
) -> None:
    world.set_fee(250)
    price = build_price(world, amount)
    with pytest.raises(error) as drafted:
        draft_plan(world.chain, world.builder.address, price, HUNDRED, **options)
    with pytest.raises(error) as registered:
        register_plan(world.chain, world.builder, price, HUNDRED, **options)
    assert str(drafted.value) == str(registered.value)


def test_draft_plan__of_a_registered_plan__is_refused(world: World) -> None:
    plan = register_plan(world.chain, world.builder, build_price(world), HUNDRED, salt=SALT)
    with pytest.raises(PlanAlreadyRegistered) as refused:
        draft_plan(world.chain, world.builder.address, build_price(world), HUNDRED, salt=SALT)
    assert refused.value.plan_id == plan.plan_id
    assert (
        draft_plan(world.chain, world.partner.address, build_price(world), HUNDRED, salt=SALT).plan_id != plan.plan_id
    )


def test_draft_plan__with_a_tiny_price_that_is_allowed__is_simulated_by_the_node(world: World) -> None:
    price = get_erc20_price_config(1, "0x" + "11" * 20, world.builder.address)
    with pytest.raises(TokenWithoutCode):
        draft_plan(world.chain, world.builder.address, price, HUNDRED, allow_tiny_price=True)


def test_read_token_label__of_each_token__says_whether_only_the_token_itself_says_so(world: World) -> None:
    chain = world.chain
    assert read_token_label(chain, ZERO) == TokenLabel("ETH", 18)
    assert read_token_label(chain, world.usdc.address) == TokenLabel("USDC", 6)
    hostile = world.deploy("HostileName")
    assert read_token_label(chain, hostile.address) == TokenLabel("31mUSDC", 18, is_known=False)
    assert read_token_label(chain, world.deploy("LiesAboutDecimals", 255).address) is None
    assert read_token_label(chain, world.credits.address) is None
    assert read_token_label(chain, "0x" + "11" * 20) is None
