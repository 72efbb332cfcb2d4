"""What is given for a signer: every function that takes one names the mistake, and shows nothing of a key."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import pytest
from eth_account import Account

import nvm_chain as nvm
from nvm_chain.errors import InvalidConfig
from nvm_chain.payments import Payments
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.world import PRICE, World

KEY = "0x4f3edf983ac636a65a842ce7c78d9aa706d3b113bce9c46f30d7d21715b23b1d"
TAKERS = [
    function
    for name in sorted(nvm.__all__)
    if callable(function := getattr(nvm, name))
    and not isinstance(function, type)
    and "signer" in signature(function).parameters
]


class SignsMessagesOnly:
    """A wallet that signs messages, and no transactions."""

    def __init__(self) -> None:
        self._account = Account.from_key(KEY)
        self.address = self._account.address

    def unsafe_sign_hash(self, message_hash: Any, /) -> Any:
        return self._account.unsafe_sign_hash(message_hash)


def values_for(world: World, plan_id: int, agent_id: int) -> dict[str, Any]:
    """Return what a call needs beside its signer, by the names of parameters."""
    address, credits = world.stranger.address, world.credits.address
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    token = nvm.Domain("USD Coin", "2", world.chain.chain_id, world.usdc.address)
    permit = nvm.Permit(world.subscriber.address, credits, 1, 0, 2**40)
    order = nvm.build_order_authorization(plan_id, payer=world.subscriber.address, max_cost=PRICE, valid_before=2**40)
    signed = nvm.sign_order(world.subscriber, order, token=token, contract=credits)
    voucher = nvm.build_voucher(
        plan_id, holder=world.subscriber.address, redeemer=world.builder.address, ceiling=1, deadline=2**40
    )
    signed_voucher = nvm.sign_voucher(world.subscriber, voucher, chain_id=world.chain.chain_id, contract=credits)
    return {
        "chain": world.chain,
        "plan_id": plan_id,
        "agent_id": agent_id,
        "price": price,
        "chain_id": world.chain.chain_id,
        "credits": get_fixed_credits_config(10),
        "name": "invoice-17",
        "amount": 1,
        "amounts": {address: 1},
        "cost": 1,
        **dict.fromkeys(("to", "new_owner", "redeemer", "minter"), address),
        "allowed": True,
        "active": False,
        "uri": "",
        "metadata": "ipfs://x",
        "plans": (),
        "reference": "1",
        "token": token,
        "permit": permit,
        "order": order,
        "signed": signed,
        "voucher": voucher,
        "contract": credits,
        "items": [signed_voucher],
        "orders": [signed],
        "grants": [(address, "1")],
        "store": nvm.InlineStore(),
        "method": "approve",
    }


def call(function: Callable[..., Any], signer: object, values: dict[str, Any], world: World) -> None:
    """Call a function with a signer, and with a fitting value for each parameter that has no default."""
    needed = {
        name: values[name]
        for name, parameter in signature(function).parameters.items()
        if parameter.default is Parameter.empty and name != "signer" and parameter.kind is not Parameter.VAR_KEYWORD
    }
    if function.__name__ == "approve_token_spending":
        needed["token"] = world.usdc.address
    function(**needed, signer=signer)


def test_takers__are_all_that_take_a_signer() -> None:
    assert len(TAKERS) > 25


@pytest.mark.parametrize("function", TAKERS, ids=lambda function: function.__name__)
def test_public_function__given_a_key_for_its_signer__says_how_to_make_one_and_does_not_show_it(
    world: World, function: Callable[..., Any]
) -> None:
    plan_id = world.register()
    agent_id = nvm.register_agent(world.chain, world.builder, "ipfs://x").agent_id
    values = values_for(world, plan_id, agent_id)
    for wrong in (KEY, KEY[2:], bytes.fromhex(KEY[2:]), world.builder.address, None, object()):
        with pytest.raises(InvalidConfig) as caught:
            call(function, wrong, values, world)
        told = f"{caught.value}{caught.value!r}{caught.value.to_dict()}"
        assert f"not a value of type {type(wrong).__name__}" in told
        assert "read_keyfile" in caught.value.next_step
        assert KEY[2:] not in told


def test_send__by_who_signs_messages_only__says_so(world: World) -> None:
    plan_id = world.register()
    untyped: Any = SignsMessagesOnly()
    with pytest.raises(InvalidConfig, match="SignsMessagesOnly signs no transactions"):
        nvm.set_plan_active(world.chain, untyped, plan_id, False)


@pytest.mark.parametrize("signer", [b"key", 7, SignsMessagesOnly()])
def test_payments__given_what_does_not_send__says_how_to_make_a_signer(world: World, signer: Any) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Payments(world.chain, signer)
    assert "read_keyfile" in caught.value.next_step
