"""plans: what the Python API registers, reads and changes is what the chain then has."""

from typing import Any

import pytest

from nvm_chain.chain.client import Chain
from nvm_chain.enums import RedemptionRule
from nvm_chain.errors import (
    FeeAboveMax,
    InvalidAmount,
    InvalidConfig,
    InvalidMetadata,
    NoContract,
    NotPendingPlanOwner,
    NotPlanOwner,
    PlanAlreadyRegistered,
    SecretInMetadata,
    SuspiciousPrice,
    TokenWithoutCode,
    UnknownPlan,
)
from nvm_chain.metadata.data_uris import build_data_uri
from nvm_chain.operations import plans
from nvm_chain.operations.plans import (
    accept_plan_ownership,
    is_minter,
    is_redeemer,
    quote_plan,
    read_plan,
    read_protocol_fee,
    read_terms,
    register_plan,
    set_minter,
    set_plan_active,
    set_plan_uri,
    set_redeemer,
    transfer_plan_ownership,
)
from nvm_chain.types.amounts import usdc
from nvm_chain.types.credits import get_dynamic_credits_config, get_fixed_credits_config
from nvm_chain.types.ids import compute_plan_id, format_did
from nvm_chain.types.plans import Plan, RegisteredPlan, build_terms
from nvm_chain.types.prices import (
    PriceConfig,
    get_erc20_price_config,
    get_free_price_config,
    get_native_token_price_config,
    get_split_price_config,
)
from tests.support.events import plan_registered, uri_set
from tests.support.reverts import reverts
from tests.support.world import PRICE, ZERO, World

EMBEDDED_TOO = True

SALT = bytes(range(32))


def prices(world: World) -> dict[str, PriceConfig]:
    """Return one price of each kind, to the builder and the partner."""
    assert world.chain.usdc is not None
    builder, partner = world.builder.address, world.partner.address
    return {
        "usdc": get_erc20_price_config(usdc("20"), world.chain.usdc, builder),
        "split": get_split_price_config(world.chain.usdc, {builder: usdc("15"), partner: usdc("5")}),
        "coin": get_native_token_price_config(10**15, builder),
        "free": get_free_price_config(),
    }


# ---------------------------------------------------------------------- register


@pytest.mark.parametrize("kind", ["usdc", "split", "coin", "free"])
def test_register_plan__of_each_kind_of_price__is_on_the_chain_as_given(world: World, kind: str) -> None:
    price = prices(world)[kind]
    credits = get_dynamic_credits_config(100, 2, 7, rule=RedemptionRule.OWNER, trial=True, transferable=True)
    result = register_plan(world.chain, world.builder, price, credits, uri="https://example.org/1", salt=SALT)
    terms = build_terms(price, credits)
    chain_id, contract, creator = world.chain.chain_id, world.credits.address, world.builder.address
    assert result.plan_id == compute_plan_id(chain_id, contract, creator, terms, SALT)
    assert result == RegisteredPlan(result.plan_id, creator, terms, SALT, 0, result.transaction)
    assert read_plan(world.chain, result.plan_id) == Plan(
        plan_id=result.plan_id,
        terms=terms,
        uri="https://example.org/1",
        owner=creator,
        pending_owner=None,
        active=True,
        fee_bps=0,
    )


def test_register_plan__receipt__is_of_the_transaction_that_did_it(world: World) -> None:
    price, credits = prices(world)["usdc"], get_fixed_credits_config(100)
    result = register_plan(world.chain, world.builder, price, credits, uri="ipfs://x", salt=SALT)
    receipt = world.chain.web3.eth.get_transaction_receipt(result.transaction.hash)  # type: ignore[arg-type]
    assert result.transaction.block_number == receipt["blockNumber"]
    assert result.transaction.gas_used == receipt["gasUsed"]
    assert result.transaction.fee_wei == receipt["gasUsed"] * receipt["effectiveGasPrice"]
    assert world.chain.read_transaction(result.transaction.hash) == result.transaction
    assert world.events(receipt) == [
        plan_registered(result.plan_id, world.builder.address, result.terms, SALT, 0),
        uri_set(result.plan_id, "ipfs://x"),
    ]


def test_register_plan__without_a_salt__can_be_repeated(world: World) -> None:
    price, credits = prices(world)["usdc"], get_fixed_credits_config(100)
    first, second = (register_plan(world.chain, world.builder, price, credits) for _ in range(2))
    assert first.plan_id != second.plan_id
    assert len(first.salt) == len(second.salt) == 32


def test_register_plan__with_the_same_salt__is_refused_the_second_time(world: World, unchanged: Any) -> None:
    price, credits = prices(world)["usdc"], get_fixed_credits_config(100)
    plan_id = register_plan(world.chain, world.builder, price, credits, salt=SALT).plan_id
    with unchanged(world.builder), reverts(PlanAlreadyRegistered(plan_id)):
        register_plan(world.chain, world.builder, price, credits, salt=SALT)


def test_register_plan__with_a_fee_set__freezes_it(world: World) -> None:
    world.set_fee(250)
    result = register_plan(world.chain, world.builder, prices(world)["usdc"], get_fixed_credits_config(1))
    world.set_fee(300)
    assert result.fee_bps == read_plan(world.chain, result.plan_id).fee_bps == 250


def test_register_plan__while_the_fee_is_raised__is_refused(
    world: World, unchanged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a limit of the caller's, the limit is the fee that was read just before."""
    world.set_fee(250)

    def read_and_raise(chain: Chain) -> int:
        fee = read_protocol_fee(chain)
        world.set_fee(fee + 1)
        return fee

    monkeypatch.setattr(plans, "read_protocol_fee", read_and_raise)
    with unchanged(world.builder), reverts(FeeAboveMax(251, 250)):
        register_plan(world.chain, world.builder, prices(world)["usdc"], get_fixed_credits_config(1))


def test_register_plan__while_the_fee_is_lowered__carries_the_lower(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "read_protocol_fee", lambda _: 250)
    world.set_fee(100)
    assert register_plan(world.chain, world.builder, prices(world)["usdc"], get_fixed_credits_config(1)).fee_bps == 100


@pytest.mark.parametrize(("most", "fee"), [(0, None), (249, None), (250, 250), (251, 250), (2**16 - 1, 250)])
def test_register_plan__with_the_most_fee_that_is_accepted__carries_no_more(
    world: World, unchanged: Any, most: int, fee: int | None
) -> None:
    world.set_fee(250)
    assert read_protocol_fee(world.chain) == 250
    price, credits = prices(world)["usdc"], get_fixed_credits_config(1)
    if fee is not None:
        assert register_plan(world.chain, world.builder, price, credits, max_fee_bps=most).fee_bps == fee
        return
    with unchanged(world.builder), reverts(FeeAboveMax(250, most)):
        register_plan(world.chain, world.builder, price, credits, max_fee_bps=most)


@pytest.mark.parametrize("most", [-1, 2**16])
def test_register_plan__with_a_most_fee_out_of_range__is_refused(world: World, unchanged: Any, most: int) -> None:
    error = InvalidAmount(f"max_fee_bps {most}", f"must be from 0 to {2**16 - 1}")
    with unchanged(world.builder), reverts(error):
        register_plan(world.chain, world.builder, prices(world)["usdc"], get_fixed_credits_config(1), max_fee_bps=most)


@pytest.mark.parametrize("amount", [1, 20, 999])
def test_register_plan__for_less_than_a_thousandth_of_its_token__is_taken_for_a_mistake(
    world: World, unchanged: Any, amount: int
) -> None:
    assert world.chain.usdc is not None
    price = get_erc20_price_config(amount, world.chain.usdc, world.builder.address)
    with unchanged(world.builder), reverts(SuspiciousPrice(amount, 6, "USDC")):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1))
    result = register_plan(world.chain, world.builder, price, get_fixed_credits_config(1), allow_tiny_price=True)
    assert quote_plan(world.chain, world.stranger.address, result.plan_id) == amount


@pytest.mark.parametrize("amount", [1000, 1001])
def test_register_plan__for_a_thousandth_of_its_token_or_more__is_taken_as_meant(world: World, amount: int) -> None:
    assert world.chain.usdc is not None
    price = get_erc20_price_config(amount, world.chain.usdc, world.builder.address)
    assert register_plan(world.chain, world.builder, price, get_fixed_credits_config(1)).terms.price == amount


@pytest.mark.parametrize("amount", [10**9, 10**9 + 1])
def test_register_plan__for_a_billionth_of_the_coin_or_more__is_taken_as_meant(world: World, amount: int) -> None:
    price = get_native_token_price_config(amount, world.builder.address)
    assert register_plan(world.chain, world.builder, price, get_fixed_credits_config(1)).terms.price == amount


@pytest.mark.parametrize("amount", [1, 20, 10**9 - 1])
def test_register_plan__for_less_coin__is_taken_for_a_mistake(world: World, unchanged: Any, amount: int) -> None:
    price = get_native_token_price_config(amount, world.builder.address)
    with unchanged(world.builder), reverts(SuspiciousPrice(amount, 18, "ETH")):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1))


def test_register_plan__with_one_tiny_split__is_taken_for_a_mistake(world: World, unchanged: Any) -> None:
    assert world.chain.usdc is not None
    price = get_split_price_config(world.chain.usdc, {world.builder.address: 20, world.partner.address: 5_000_000})
    with unchanged(world.builder), reverts(SuspiciousPrice(20, 6, "USDC")):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1))


@pytest.mark.parametrize("decimals", [0, 2, 3])
def test_register_plan__in_a_token_with_few_decimals__takes_any_price_as_meant(world: World, decimals: int) -> None:
    token = world.deploy("LiesAboutDecimals", decimals)
    price = get_erc20_price_config(1, token.address, world.builder.address)
    assert register_plan(world.chain, world.builder, price, get_fixed_credits_config(1)).terms.price == 1


@pytest.mark.parametrize("decimals", [256, 2**256 - 1])
def test_register_plan__in_a_token_with_impossible_decimals__is_refused_with_the_way_out(
    world: World, unchanged: Any, decimals: int
) -> None:
    token = world.deploy("LiesAboutDecimals", decimals)
    price = get_erc20_price_config(10**18, token.address, world.builder.address)
    problem = f"the token at {token.address} does not tell its decimals, so prices in it cannot be checked"
    with unchanged(world.builder), reverts(InvalidConfig(problem)):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1))
    plan = register_plan(world.chain, world.builder, price, get_fixed_credits_config(1), allow_tiny_price=True)
    assert plan.terms.price == 10**18


def test_register_plan__in_a_token_that_is_not_there__is_refused(world: World, unchanged: Any) -> None:
    nowhere = "0x" + "12" * 20
    price = get_erc20_price_config(10**6, nowhere, world.builder.address)
    with unchanged(world.builder), reverts(NoContract(nowhere, world.chain.chain_id)):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1))
    with unchanged(world.builder), reverts(TokenWithoutCode(nowhere)):
        register_plan(world.chain, world.builder, price, get_fixed_credits_config(1), allow_tiny_price=True)


@pytest.mark.parametrize("salt", [b"", bytes(31), bytes(33)])
def test_register_plan__with_a_salt_of_another_size__is_refused(world: World, unchanged: Any, salt: bytes) -> None:
    with unchanged(world.builder), reverts(InvalidConfig(f"a salt has 32 bytes, not {len(salt)}")):
        register_plan(world.chain, world.builder, get_free_price_config(), get_fixed_credits_config(1), salt=salt)


@pytest.mark.parametrize("salt", ["0x" + "00" * 32, "a" * 32, 7, [0] * 32])
def test_register_plan__with_a_salt_that_is_no_bytes__is_refused(world: World, unchanged: Any, salt: Any) -> None:
    with unchanged(world.builder), reverts(InvalidConfig(f"a salt is 32 bytes, not {type(salt).__name__}")):
        register_plan(world.chain, world.builder, get_free_price_config(), get_fixed_credits_config(1), salt=salt)


@pytest.mark.parametrize("uri", ["", "https://example.org/" + "a" * 500, "ipfs://ñ/路/\U0001f600"])
def test_register_plan__with_any_uri__keeps_it(world: World, uri: str) -> None:
    plan = register_plan(world.chain, world.builder, get_free_price_config(), get_fixed_credits_config(1), uri=uri)
    assert read_plan(world.chain, plan.plan_id).uri == uri


@pytest.mark.parametrize("uri", [None, 7, b"ipfs://x", "https://example.org/\n", "\x1b[2J", "\ud800"])
def test_register_plan_and_set_uri__with_what_cannot_be_shown__are_refused(
    world: World, plan: RegisteredPlan, unchanged: Any, uri: Any
) -> None:
    error = InvalidConfig(f"a URI is text that can be printed, not {uri!r}")
    with unchanged(world.builder), reverts(error):
        register_plan(world.chain, world.builder, get_free_price_config(), get_fixed_credits_config(1), uri=uri)
    with unchanged(world.builder), reverts(error):
        set_plan_uri(world.chain, world.builder, plan.plan_id, uri)


# ---------------------------------------------------------------------- read


def test_read_plan__by_every_spelling_of_its_id__is_the_same(world: World, plan: RegisteredPlan) -> None:
    expected = read_plan(world.chain, plan.plan_id)
    for spelling in (format_did(plan.plan_id), f"{plan.plan_id:#066x}", str(plan.plan_id)):
        assert read_plan(world.chain, spelling) == expected
        assert read_terms(world.chain, spelling) == plan.terms


@pytest.mark.parametrize("read", [read_plan, read_terms])
def test_read__of_an_unknown_plan__raises(world: World, read: Any) -> None:
    with reverts(UnknownPlan(7)):
        read(world.chain, 7)


@pytest.mark.parametrize("quantity", [1, 2, 2**32 - 1])
def test_quote_plan__times_a_quantity__is_the_price_times_it(world: World, plan: RegisteredPlan, quantity: int) -> None:
    assert quote_plan(world.chain, world.stranger.address, plan.plan_id, quantity) == PRICE * quantity


def test_quote_plan__of_an_unknown_plan__raises(world: World) -> None:
    with reverts(UnknownPlan(7)):
        quote_plan(world.chain, world.stranger.address, 7)


# ---------------------------------------------------------------------- change


PUBLIC_SECRETS = {
    "https://u:pass@example.com/plan.json": SecretInMetadata("URI", "a URL in it has a user name or a password"),
    "https://example.com/plan.json?token=abc": SecretInMetadata("URI", "a URL in it has a secret in its query"),
    'data:application/json,{"name":"Basic","secret":"abc"}': SecretInMetadata("secret", "its name is that of a secret"),
    build_data_uri('{"a":{"private_key":"0x' + "ab" * 32 + '"}}'): SecretInMetadata(
        "a.private_key", "it is 64 hexadecimal digits under the name of a key"
    ),
}


@pytest.mark.parametrize("uri", PUBLIC_SECRETS)
def test_register_plan_and_set_uri__with_a_secret_in_the_uri__are_refused_as_an_agents_is(
    world: World, plan: RegisteredPlan, unchanged: Any, uri: str
) -> None:
    """A URI is public for ever: changed, it stays in the chain's history."""
    with unchanged(world.builder), reverts(PUBLIC_SECRETS[uri]):
        register_plan(world.chain, world.builder, get_free_price_config(), get_fixed_credits_config(1), uri=uri)
    with unchanged(world.builder), reverts(PUBLIC_SECRETS[uri]):
        set_plan_uri(world.chain, world.builder, plan.plan_id, uri)


def test_register_plan__with_a_data_uri_that_is_not_json__is_refused(world: World, unchanged: Any) -> None:
    price, credits = get_free_price_config(), get_fixed_credits_config(1)
    with unchanged(world.builder), pytest.raises(InvalidMetadata):
        register_plan(world.chain, world.builder, price, credits, uri="data:application/json;base64,!")


def test_set_plan_active_and_uri__by_the_owner__change_them(world: World, plan: RegisteredPlan) -> None:
    set_plan_active(world.chain, world.builder, plan.plan_id, False)
    set_plan_uri(world.chain, world.builder, plan.plan_id, "ipfs://new")
    changed = read_plan(world.chain, plan.plan_id)
    assert (changed.active, changed.uri, changed.terms) == (False, "ipfs://new", plan.terms)
    set_plan_active(world.chain, world.builder, plan.plan_id, True)
    assert read_plan(world.chain, plan.plan_id).active


@pytest.mark.parametrize(("change", "read"), [(set_redeemer, is_redeemer), (set_minter, is_minter)])
def test_set_redeemer_and_minter__by_the_owner__allow_and_forbid(
    world: World, plan: RegisteredPlan, change: Any, read: Any
) -> None:
    address = world.redeemer.address
    assert not read(world.chain, plan.plan_id, address)
    change(world.chain, world.builder, plan.plan_id, address.lower(), True)
    assert read(world.chain, plan.plan_id, address)
    change(world.chain, world.builder, plan.plan_id, address, False)
    assert not read(world.chain, plan.plan_id, address)


def test_transfer_plan_ownership__offered_and_accepted__changes_the_owner(world: World, plan: RegisteredPlan) -> None:
    transfer_plan_ownership(world.chain, world.builder, plan.plan_id, world.partner.address)
    offered = read_plan(world.chain, plan.plan_id)
    assert (offered.owner, offered.pending_owner) == (world.builder.address, world.partner.address)
    accept_plan_ownership(world.chain, world.partner, plan.plan_id)
    accepted = read_plan(world.chain, plan.plan_id)
    assert (accepted.owner, accepted.pending_owner) == (world.partner.address, None)


def test_transfer_plan_ownership__to_zero__withdraws_an_offer(
    world: World, plan: RegisteredPlan, unchanged: Any
) -> None:
    transfer_plan_ownership(world.chain, world.builder, plan.plan_id, world.partner.address)
    transfer_plan_ownership(world.chain, world.builder, plan.plan_id, ZERO)
    with unchanged(world.partner), reverts(NotPendingPlanOwner(plan.plan_id, world.partner.address)):
        accept_plan_ownership(world.chain, world.partner, plan.plan_id)


CHANGES = {
    "active": (set_plan_active, (False,)),
    "uri": (set_plan_uri, ("ipfs://stolen",)),
    "redeemer": (set_redeemer, ("0x" + "11" * 20, True)),
    "minter": (set_minter, ("0x" + "11" * 20, True)),
    "owner": (transfer_plan_ownership, ("0x" + "11" * 20,)),
}


@pytest.mark.parametrize(("change", "arguments"), CHANGES.values(), ids=CHANGES)
def test_change__by_a_stranger__is_refused_before_it_is_sent(
    world: World, plan: RegisteredPlan, unchanged: Any, change: Any, arguments: tuple[Any, ...]
) -> None:
    before = read_plan(world.chain, plan.plan_id)
    with unchanged(world.stranger), reverts(NotPlanOwner(plan.plan_id, world.stranger.address)):
        change(world.chain, world.stranger, plan.plan_id, *arguments)
    with unchanged(world.stranger), reverts(UnknownPlan(7)):
        change(world.chain, world.stranger, 7, *arguments)
    assert read_plan(world.chain, plan.plan_id) == before


@pytest.mark.parametrize("active", ["no", 0, 1, None])
def test_set_plan_active__with_what_is_no_bool__is_refused(
    world: World, plan: RegisteredPlan, unchanged: Any, active: Any
) -> None:
    with unchanged(world.builder), reverts(InvalidConfig(f"active is {active!r}", "give True or False")):
        set_plan_active(world.chain, world.builder, plan.plan_id, active)


@pytest.mark.parametrize("change", [set_redeemer, set_minter])
@pytest.mark.parametrize("allowed", ["no", 0, 1, None])
def test_set_redeemer_and_minter__with_what_is_no_bool__are_refused(
    world: World, plan: RegisteredPlan, unchanged: Any, change: Any, allowed: Any
) -> None:
    with unchanged(world.builder), reverts(InvalidConfig(f"allowed is {allowed!r}", "give True or False")):
        change(world.chain, world.builder, plan.plan_id, world.redeemer.address, allowed)
