"""Rules of tokens about signatures: what a token never takes is said first, whatever else is wrong with an order."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import encode
from web3.contract.contract import Contract

from nvm_chain.errors import (
    AuthorizationExpired,
    AuthorizationFailed,
    AuthorizationSignatureInvalid,
    InsufficientFunds,
    TokenCannotSign,
)
from nvm_chain.operations.orders import order_plan
from nvm_chain.operations.plans import read_plan_state
from nvm_chain.operations.signed_orders import (
    check_signed_order,
    relay_order,
    send_signed_order,
    sign_for_plan,
    sign_plan_order,
)
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.operations.token_rules import asks_code, has_keyed_nonces
from nvm_chain.signing.signed_orders import SignedOrder, build_order_authorization, sign_order
from nvm_chain.signing.wallets.plain import PlainSigner
from tests.support.delegated import delegate
from tests.support.fiat_token import deploy_fiat_token
from tests.support.odd_node import Hook, OddNode, open_odd_chain
from tests.support.signed import FOREVER
from tests.support.world import CREDITS, PRICE, World
from tests.wallets.accounts import deploy_coinbase
from tests.wallets.artifacts import deploy, read_double
from tests.wallets.parity import WRAPPING
from tests.wallets.safes import deploy_safe_of_one
from tests.wallets.signing import Disguised
from tests.wallets.wallet import OWNER, THIEF, Wallet

SENDS_ITSELF = "Let the wallet itself send `approve` to the token and `order` to Credits."
KEYS_ONLY = "The token takes signatures of keys only, and does not ask a contract wallet about its own."
TOKENS: dict[str, Callable[[World], Contract]] = {
    "TestUSDC": lambda world: world.usdc,
    "FiatToken": deploy_fiat_token,
    "OpenZeppelin ERC3009": lambda world: deploy(world, read_double("DomainToken")),
    "OpenZeppelin ERC3009 and ERC20Permit": lambda world: deploy(world, read_double("PermitDomainToken")),
    "OpenZeppelin ERC20TransferAuthorization": lambda world: deploy(world, read_double("KeyedToken")),
    "v, r, s only": lambda world: world.deploy("VrsOnly"),
}


@pytest.fixture(autouse=True)
def facts(world: World) -> Iterator[None]:
    """Forget what is known of tokens, because each test deploys another one at the same address."""
    world.chain.facts.forget()
    yield
    world.chain.facts.forget()


@pytest.mark.parametrize(
    ("name", "of_authorizations", "of_permits", "keyed"),
    [
        ("TestUSDC", True, True, False),
        ("FiatToken", True, True, False),
        ("OpenZeppelin ERC3009", False, None, False),
        ("OpenZeppelin ERC3009 and ERC20Permit", False, False, False),
        ("OpenZeppelin ERC20TransferAuthorization", None, None, True),
        ("v, r, s only", False, None, False),
    ],
)
def test_asks_code__of_a_token__is_what_its_source_does(
    world: World, name: str, of_authorizations: bool | None, of_permits: bool | None, keyed: bool
) -> None:
    token = TOKENS[name](world).address
    found = asks_code(world.chain, token, "authorization"), asks_code(world.chain, token, "permit")
    assert (*found, has_keyed_nonces(world.chain, token)) == (of_authorizations, of_permits, keyed)


def test_asks_code__of_a_known_token__makes_no_request(world: World) -> None:
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        assert asks_code(chain, world.usdc.address, "authorization") is True
        asked = len(node.asked)
        assert asks_code(chain, world.usdc.address, "authorization") is True
        assert has_keyed_nonces(chain, world.usdc.address) is has_keyed_nonces(chain, world.usdc.address) is False
        assert node.asked[asked:] == ["eth_call"]


def refuse_overrides(node: OddNode) -> Hook:
    """Be a node that does not know the third parameter of `eth_call`."""

    def answer(method: str, params: list[Any], forward: Any) -> Any:
        too_many = method == "eth_call" and len(params) > 2
        return {"error": {"code": -32602, "message": "too many arguments, want at most 2"}} if too_many else None

    return answer


def ignore_overrides(node: OddNode) -> Hook:
    """Be a node that makes the call as if there were no third parameter."""

    def answer(method: str, params: list[Any], forward: Any) -> Any:
        ignored = method == "eth_call" and len(params) > 2
        return {"result": node.ask("eth_call", *params[:2])} if ignored else None

    return answer


@pytest.mark.parametrize("make", [refuse_overrides, ignore_overrides])
def test_asks_code__on_a_node_that_replaces_no_code__is_unknown(world: World, make: Callable[[OddNode], Hook]) -> None:
    token = deploy(world, read_double("DomainToken")).address
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = make(node)
        assert asks_code(chain, token, "authorization") is None


# ---------------------------------------------------------------------- a token that takes keys' signatures only


@pytest.fixture
def wallet(world: World) -> Wallet:
    """A Safe of one owner."""
    return deploy_safe_of_one(world, version="1.4.1")


@pytest.fixture
def token(world: World) -> Contract:
    """A token that takes signatures of keys only."""
    return deploy(world, read_double("DomainToken"))


def sign_by(world: World, wallet: Wallet, plan_id: int, *, valid_before: int = FOREVER) -> SignedOrder:
    """Sign an order as a wallet that does not look at the token's rule."""
    plan = read_plan_state(world.chain, plan_id)
    order = build_order_authorization(plan_id, payer=wallet.address, max_cost=PRICE, valid_before=valid_before)
    domain = read_token_domain(world.chain, plan.terms.token)
    return sign_order(wallet.signer, order, token=domain, contract=world.credits.address)


def test_sign_plan_order__of_a_wallet_in_such_a_token__is_refused_before_it_is_signed(
    world: World, wallet: Wallet, token: Contract
) -> None:
    world.send(world.fee_owner, token.functions.transfer(wallet.address, PRICE))
    with pytest.raises(TokenCannotSign) as caught:
        sign_plan_order(world.chain, wallet.signer, world.register(token=token.address))
    assert (caught.value.problem.endswith(KEYS_ONLY), caught.value.next_step) == (True, SENDS_ITSELF)


@pytest.mark.parametrize("trouble", ["none", "expired", "no money", "wrong signer", "wrapped before the deployment"])
def test_check_signed_order__of_a_wallet_in_such_a_token__says_so_before_all_else(
    world: World, token: Contract, trouble: str
) -> None:
    snapshot = world.take_snapshot()
    wallet = deploy_coinbase(world)  # at the same address as below
    if trouble.startswith("wrapped"):
        world.revert_to(snapshot)
        token = deploy(world, read_double("DomainToken"))
    plan_id = world.register(token=token.address)
    if trouble != "no money":
        world.send(world.fee_owner, token.functions.transfer(wallet.address, PRICE))
    signed = sign_by(world, wallet, plan_id, valid_before=2 if trouble == "expired" else FOREVER)
    if trouble == "wrong signer":
        signed = replace(signed, signature=sign_by(world, _by_thief(wallet), plan_id).signature)
    elif trouble.startswith("wrapped"):
        words = bytes(64) + (96).to_bytes(32, "big") + len(signed.signature).to_bytes(32, "big")
        signed = replace(signed, signature=words + signed.signature + bytes.fromhex("6492" * 16))
    for bring in (
        lambda: check_signed_order(world.chain, signed),
        lambda: relay_order(world.chain, world.relayer, signed),
    ):
        with pytest.raises(TokenCannotSign) as caught:
            bring()
        assert (caught.value.problem.endswith(KEYS_ONLY), caught.value.next_step) == (True, SENDS_ITSELF)


def test_check_signed_order__by_a_key_in_a_wrapping__is_not_taken_for_a_wallets(world: World, token: Contract) -> None:
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(OWNER.address, PRICE))
    plan = read_plan_state(world.chain, plan_id)
    signed = sign_for_plan(world.chain, OWNER, plan, receiver=OWNER.address, quantity=1, max_cost=PRICE)
    wrapped = replace(signed, signature=encode(["address", "bytes", "bytes"], (token.address, b"", signed.signature)))
    wrapped = replace(wrapped, signature=wrapped.signature + WRAPPING)
    assert check_signed_order(world.chain, wrapped) == plan
    world.mine_at(signed.order.valid_before)
    with pytest.raises(AuthorizationExpired):
        check_signed_order(world.chain, wrapped)


def test_check_signed_order__in_a_malformed_wrapping__is_not_told_to_deploy_a_wallet(
    world: World, token: Contract
) -> None:
    for plan_id in (world.register(), world.register(token=token.address)):
        plan = read_plan_state(world.chain, plan_id)
        signed = sign_for_plan(world.chain, OWNER, plan, receiver=OWNER.address, quantity=1, max_cost=PRICE)
        with pytest.raises(AuthorizationSignatureInvalid) as caught:
            check_signed_order(world.chain, replace(signed, signature=bytes(40) + WRAPPING))
        assert caught.value.problem.endswith("The wrapping of the signature (ERC-6492) is malformed.")
        assert caught.value.next_step == "Ask for a new signature."


def _by_thief(wallet: Wallet) -> Wallet:
    return replace(wallet, signer=Disguised(wallet.address, PlainSigner(wallet.address, [THIEF])))


def test_send_signed_order__of_a_wallet_in_such_a_token__says_so(world: World, wallet: Wallet, token: Contract) -> None:
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(wallet.address, PRICE))
    plan, signed = read_plan_state(world.chain, plan_id), sign_by(world, wallet, plan_id)
    with pytest.raises(AuthorizationFailed) as caught:
        send_signed_order(world.chain, world.relayer, plan, signed)
    assert (caught.value.problem.endswith(KEYS_ONLY), caught.value.next_step) == (True, SENDS_ITSELF)


def test_send_signed_order__in_the_wrong_form_of_a_wallet__says_both_ways_out(world: World, wallet: Wallet) -> None:
    plan_id = world.register()
    world.send(world.stranger, world.usdc.functions.mint(wallet.address, PRICE))
    plan, signed = read_plan_state(world.chain, plan_id), sign_by(world, _by_thief(wallet), plan_id)
    with pytest.raises(AuthorizationFailed) as caught:
        send_signed_order(world.chain, world.relayer, plan, signed)
    assert caught.value.problem.endswith("The payer has code, and that code may not accept the signature.")
    assert (
        caught.value.next_step
        == f"Have the order signed in the form of that code, or {SENDS_ITSELF[0].lower()}{SENDS_ITSELF[1:]}"
    )


def test_check_signed_order__by_the_key_of_an_account_with_code__is_good_in_such_a_token(
    world: World, token: Contract
) -> None:
    """The token looks at the key alone, so EIP-7702 code at its address changes nothing."""
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(OWNER.address, PRICE))
    delegate(world, OWNER, world.deploy("AcceptsCredits").address)
    for signer in (OWNER, PlainSigner(OWNER.address, [OWNER])):
        check_signed_order(world.chain, sign_plan_order(world.chain, signer, plan_id))


def test_check_signed_order__without_money_by_a_key__says_that_there_is_too_little(
    world: World, token: Contract
) -> None:
    plan_id = world.register(token=token.address)
    signed = sign_for_plan(
        world.chain, OWNER, read_plan_state(world.chain, plan_id), receiver=OWNER.address, quantity=1, max_cost=PRICE
    )
    with pytest.raises(InsufficientFunds):
        check_signed_order(world.chain, signed)


def test_check_signed_order__on_a_node_that_replaces_no_code__says_what_is_known(
    world: World, wallet: Wallet, token: Contract
) -> None:
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(wallet.address, PRICE))
    with open_odd_chain(world, timeout_seconds=5) as (node, chain):
        node.hook = refuse_overrides(node)
        with pytest.raises(AuthorizationSignatureInvalid) as caught:
            check_signed_order(chain, sign_by(world, wallet, plan_id), relayer=world.relayer.address)
    assert caught.value.problem == (
        f"{wallet.address} did not sign the order. "
        "There is a Safe 1.4.1 at the address, and the token does not accept the signature."
    )


# ---------------------------------------------------------------------- a token with nonces in sequence


def test_check_signed_order__of_a_wallet_in_a_token_with_nonces_in_sequence__says_so_first(
    world: World, wallet: Wallet
) -> None:
    plan_id = world.register(token=deploy(world, read_double("KeyedToken")).address)
    for signed in (sign_by(world, wallet, plan_id), sign_by(world, _by_thief(wallet), plan_id, valid_before=2)):
        with pytest.raises(TokenCannotSign) as caught:
            check_signed_order(world.chain, signed)
        assert "nonces in sequence" in caught.value.problem
        assert caught.value.next_step == SENDS_ITSELF
    with pytest.raises(TokenCannotSign, match="nonces in sequence"):
        sign_plan_order(world.chain, wallet.signer, plan_id)


def test_has_keyed_nonces__of_a_token_that_refuses_everything_now__is_not_remembered(
    world: World, wallet: Wallet
) -> None:
    token = deploy(world, read_double("StoppableToken"))
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(OWNER.address, PRICE))
    signed = sign_plan_order(world.chain, OWNER, plan_id)
    world.chain.facts.forget()
    world.send(world.other, token.functions.setStopped(True))
    with pytest.raises(AuthorizationFailed):
        check_signed_order(world.chain, signed)
    assert has_keyed_nonces(world.chain, token.address) is False
    assert world.chain.facts.find("keyed nonces", token.address) is None
    world.send(world.other, token.functions.setStopped(False))
    assert (
        has_keyed_nonces(world.chain, token.address) is world.chain.facts.find("keyed nonces", token.address) is False
    )
    relay_order(world.chain, world.relayer, signed)
    assert world.balance(plan_id, OWNER.address) == CREDITS


def test_order_plan__whose_permit_fails_for_a_key_with_code__blames_the_code_only_if_it_is_asked(world: World) -> None:
    """OpenZeppelin's permit looks at the key alone. So it is not the code that refuses a permit out of turn."""
    token = deploy(world, read_double("PermitDomainToken"))
    plan_id = world.register(token=token.address)
    world.send(world.fee_owner, token.functions.transfer(world.subscriber.address, PRICE))
    delegate(world, world.subscriber, world.deploy("AcceptsCredits").address)
    order_plan(world.chain, world.subscriber, plan_id, payment_method="permit")
    assert world.balance(plan_id, world.subscriber.address) == CREDITS
