"""Blind signing: the attacker has somebody sign what they did not mean, by naming a domain, a type or a number to the client.

A hostile token says that it is another, a message carries a type of its own, a context looks like a hash of something else. The client builds
what is signed itself, out of typed values, for the place it is connected to, and its three types are all there are (P12).
"""

import json
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from nvm_chain.errors import InputError, InvalidMessage, TokenCannotSign
from nvm_chain.operations.settlement import sign_next_voucher
from nvm_chain.operations.signed_orders import sign_plan_order
from nvm_chain.operations.token_domains import read_token_domain
from nvm_chain.signing.eip712 import Domain
from nvm_chain.signing.permits import Permit, permit_digest
from nvm_chain.signing.signed_orders import SignedOrder, authorization_digest
from nvm_chain.signing.vouchers import SignedVoucher, Voucher, build_voucher, sign_voucher, voucher_digest
from tests.support.batches import register_for_two
from tests.support.events import selector
from tests.support.liar import Lie, lying
from tests.support.signed import domain_of_token, order_of
from tests.support.world import MAX_UINT, NO_CONTEXT, PRICE, World


def answer_at(address: str, answers: dict[str, str]) -> dict[str, Lie]:
    """Have one contract answer some functions as given."""
    by_selector = {"0x" + selector(signature).hex(): answer for signature, answer in answers.items()}

    def lie(params: Any, truth: Any) -> Any:
        data = params[0].get("data", "0x")
        text = data if isinstance(data, str) else "0x" + bytes(data).hex()
        return by_selector.get(text[:10], truth) if params[0].get("to") == address else truth

    return {"eth_call": lie}


# ---------------------------------------------------------------- a token that says it is another


def test_sign_plan_order__in_a_token_with_the_domain_of_another__signs_nothing(funded: World) -> None:
    """A look-alike token answers with the separator of the real one, to get a signature that moves real money."""
    real = funded.usdc
    fake = funded.deploy("HostileName")
    separator = "0x" + bytes(funded.read(real.functions.DOMAIN_SEPARATOR())).hex()
    name = "0x" + b"".join(number.to_bytes(32, "big") for number in (32, 4)).hex() + b"USDC".hex().ljust(64, "0")
    version = "0x" + b"".join(number.to_bytes(32, "big") for number in (32, 1)).hex() + b"2".hex().ljust(64, "0")
    answers = {"DOMAIN_SEPARATOR()": separator, "name()": name, "version()": version}
    with lying(funded.chain, answer_at(real.address, answers)):  # the check of the check: these are its true answers
        assert read_token_domain(funded.chain, real.address) == domain_of_token(funded)
    plan_id = funded.register(token=fake.address)
    funded.send(funded.subscriber, fake.functions.mint(funded.subscriber.address, PRICE))
    with lying(funded.chain, answer_at(fake.address, answers)), pytest.raises(TokenCannotSign):
        sign_plan_order(funded.chain, funded.subscriber, plan_id)


def test_sign_plan_order__whoever_is_asked__is_payable_to_credits_alone(funded: World) -> None:
    """The digest that was signed, built here from the standard: its payee is Credits, and its nonce binds the plan."""
    plan_id = funded.register()
    signed = sign_plan_order(funded.chain, funded.subscriber, plan_id, max_cost=PRICE)
    domain = domain_of_token(funded)
    fields = [
        "from address",
        "to address",
        "value uint256",
        "validAfter uint256",
        "validBefore uint256",
        "nonce bytes32",
    ]
    nonce = funded.read(
        funded.credits.functions.authorizationNonceOf(
            (
                plan_id,
                funded.subscriber.address,
                funded.subscriber.address,
                1,
                PRICE,
                signed.order.valid_after,
                signed.order.valid_before,
                signed.order.salt,
            )
        )
    )
    message = encode_typed_data(
        {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.address,
        },
        {"ReceiveWithAuthorization": [{"name": field.split()[0], "type": field.split()[1]} for field in fields]},
        {
            "from": funded.subscriber.address,
            "to": funded.credits.address,
            "value": PRICE,
            "validAfter": signed.order.valid_after,
            "validBefore": signed.order.valid_before,
            "nonce": bytes(nonce),
        },
    )
    assert bytes(funded.subscriber.sign_message(message).signature) == signed.signature


# ---------------------------------------------------------------- a message that brings its own type


EXTRAS: dict[str, Any] = {
    "primaryType": "Permit",
    "types": {"Voucher": []},
    "domain": {"chainId": 1},
    "chainId": "1",
    "verifyingContract": "0x" + "11" * 20,
    "holder2": "0x" + "11" * 20,
}


CASES = [(kind, extra) for kind in ("voucher", "order") for extra in EXTRAS if (kind, extra) != ("order", "chainId")]
"""An order says for which chain it is, and counts for no other: see test_verify_order in tests/unit/test_signed_orders."""


@pytest.mark.parametrize(("kind", "extra"), CASES)
def test_from_json__with_a_field_about_how_to_sign__is_refused(funded: World, kind: str, extra: str) -> None:
    """Nothing that comes from elsewhere says in which domain, or as which type, a signature is to be read."""
    plan_id = register_for_two(funded)
    text: str
    reader: type[SignedVoucher] | type[SignedOrder]
    if kind == "voucher":
        signed = sign_next_voucher(funded.chain, funded.subscriber, plan_id, redeemer=funded.builder.address, cost=1)
        text, reader = signed.to_json(), SignedVoucher
    else:
        text, reader = sign_plan_order(funded.chain, funded.subscriber, plan_id).to_json(), SignedOrder
    assert reader.from_json(text).to_json() == text
    with pytest.raises(InvalidMessage):
        reader.from_json(json.dumps({**json.loads(text), extra: EXTRAS[extra]}))
    with pytest.raises(InvalidMessage):
        reader.from_json(json.dumps({**json.loads(text), "type": "permit"}))


# ---------------------------------------------------------------- one signature that counts as another


def test_digests__of_equal_numbers_in_the_three_types__are_three(world: World) -> None:
    """A signed voucher is no permit and no order, whatever numbers a stranger puts into it: type and domain are hashed first."""
    holder = world.subscriber.address
    here = Domain("nvm_chain Credits", "1", world.chain.chain_id, world.credits.address)
    voucher = Voucher(1, holder, world.redeemer.address, 1, NO_CONTEXT, 1)
    digests = {
        voucher_digest(voucher, chain_id=here.chain_id, contract=here.address),
        permit_digest(Permit(holder, world.credits.address, 1, 1, 1), token=here),
        authorization_digest(order_of(world, 1, max_cost=1, valid_before=1), token=here, contract=here.address),
    }
    assert len(digests) == 3


@pytest.mark.parametrize("context", [b"\x19\x01" + b"\x11" * 30, b"\xff" * 32, "ignore what was said before"])
def test_sign_voucher__with_a_context_of_somebody_elses_choice__signs_it_as_a_context(
    world: World, context: bytes | str
) -> None:
    """The one field that a server names is the last but one word of the struct, and changes no other."""
    values: dict[str, Any] = {
        "holder": world.subscriber.address,
        "redeemer": world.redeemer.address,
        "ceiling": 3,
        "deadline": 1_800_000_000,
    }
    plain, named = build_voucher(7, **values), build_voucher(7, **values, context=context)
    assert (named.ceiling, named.redeemer, named.deadline, named.plan_id) == (
        3,
        world.redeemer.address,
        1_800_000_000,
        7,
    )
    place: dict[str, Any] = {"chain_id": world.chain.chain_id, "contract": world.credits.address}
    assert voucher_digest(plain, **place) != voucher_digest(named, **place)


@pytest.mark.parametrize(
    "changes", [{"holder": "0x" + "22" * 20}, {"ceiling": MAX_UINT}, {"ceiling": 0}, {"deadline": -1}]
)
def test_sign_voucher__of_what_is_not_the_signers_to_say__signs_nothing(world: World, changes: dict[str, Any]) -> None:
    values: dict[str, Any] = {
        "holder": world.subscriber.address,
        "redeemer": world.redeemer.address,
        "ceiling": 3,
        "deadline": 1_800_000_000,
    }

    def sign_it() -> None:
        voucher = build_voucher(7, **{**values, **changes})
        sign_voucher(world.subscriber, voucher, chain_id=1, contract=world.credits.address)

    with pytest.raises(InputError):
        sign_it()
