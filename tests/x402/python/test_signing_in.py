"""Sign-ins of the plug-in: the same header as the official extension writes, and nothing signed for anybody else."""

import asyncio
import base64
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from x402 import x402ClientSync
from x402.extensions.sign_in_with_x import (
    create_siwx_payload,
    parse_siwx_header,
    validate_siwx_message,
    verify_siwx_signature,
)

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.integrations.x402.plugin import pay_from_credits
from nvm_chain.integrations.x402.signing_in import SignIns
from nvm_chain.x402.extensions import declare_sign_in
from nvm_chain.x402.networks import format_network
from tests.gateway.shop import Shop

ORIGIN = "https://gateway.example.com"
STATEMENT = "Sign in to use this service."


def declare(shop: Shop, **changes: Any) -> dict[str, Any]:
    """Return what a gateway declares."""
    now = int(time.time())
    told = {
        "origin": ORIGIN,
        "uri": f"{ORIGIN}/services/{shop.did}/ask",
        "network": format_network(shop.chain.chain_id),
        "nonce": "0123456789abcdef",
        "issued_at": now,
        "expires_at": now + 300,
        "service": shop.did,
        "statement": STATEMENT,
        **changes,
    }
    return declare_sign_in(**told)


def open_sign_ins(shop: Shop, url: str = ORIGIN, **limits: Any) -> SignIns:
    """Return the extension that the plug-in registers."""
    buyer = Buyer(shop.chain, shop.buyers[0], build_limits(**{"per_request": 5, "in_all": 100, **limits}))
    client = pay_from_credits(x402ClientSync(), buyer, url)
    return next(extension for extension in client.get_extensions() if isinstance(extension, SignIns))


def make_context(shop: Shop, declared: Any, url: str, *accepts: Any, credits: str = "0") -> Any:
    """Return what the official client tells a hook of a 402, which has a time plan for sign-ins."""
    plan = {"planId": str(shop.time_plan), "kind": "time", "credits": credits}
    extensions = {"sign-in-with-x": declared, "nvm-sign-in": {"info": {"challenge": ORIGIN, "plans": [plan]}}}
    return SimpleNamespace(
        payment_required=SimpleNamespace(accepts=list(accepts), extensions=extensions), request_url=url
    )


def ask(shop: Shop, sign_ins: SignIns, declared: Any, url: str = "", **changes: Any) -> dict[str, Any] | None:
    """Return the header that the plug-in sends for a declaration, read. None if it signs nothing."""
    context = make_context(shop, declared, url or f"{ORIGIN}/services/{shop.did}/ask?q=1", **changes)
    result = sign_ins.on_payment_required(declared, context)
    if result is None:
        return None
    told: dict[str, Any] = json.loads(base64.b64decode(result.headers["sign-in-with-x"]))
    return told


def test_header__is_the_one_of_the_official_extension(shop: Shop) -> None:
    declared = declare(shop)
    told = ask(shop, open_sign_ins(shop), declared)
    info = {**declared["info"], **declared["supportedChains"][0]}
    url = f"{ORIGIN}/services/{shop.did}/ask?q=1"
    official = asyncio.run(create_siwx_payload(info, shop.buyers[0], url))
    assert told == official.model_dump(by_alias=True, exclude_none=True)


def test_header__is_valid_for_the_official_server(shop: Shop) -> None:
    told = ask(shop, open_sign_ins(shop), declare(shop))
    payload = parse_siwx_header(base64.b64encode(json.dumps(told).encode()).decode())
    assert asyncio.run(validate_siwx_message(payload, ORIGIN)).is_valid
    result = asyncio.run(verify_siwx_signature(payload))
    assert result.is_valid


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://other.example.com"},
        {"uri": "https://other.example.com/ask"},
        {"network": "eip155:1"},
        {"service": "did:nv:" + "07" * 32},
        {"service": "https://no-service.example.com"},
        {"expires_at": int(time.time()) + 10_000},
        {"expires_at": 0},
        {"nonce": "short"},
        {"nonce": 'new\nline"'},
    ],
    ids=["domain", "uri", "chain", "service", "no service", "too long", "over", "short nonce", "broken nonce"],
)
def test_declaration__that_would_sign_something_else__is_not_signed(shop: Shop, changes: dict[str, Any]) -> None:
    assert ask(shop, open_sign_ins(shop), declare(shop, **changes)) is None


def test_server__that_is_not_named__gets_no_signature(shop: Shop) -> None:
    other = "https://other.example.com"
    declared = declare(shop, origin=other, uri=f"{other}/ask")
    assert ask(shop, open_sign_ins(shop), declared, f"{other}/ask") is None
    assert ask(shop, open_sign_ins(shop, other), declared, f"{other}/ask") is not None


def test_service__whose_plans_are_not_within_the_limits__gets_no_signature(shop: Shop) -> None:
    assert ask(shop, open_sign_ins(shop, plans=[shop.credits_plan]), declare(shop)) is None
    assert ask(shop, open_sign_ins(shop, plans=[shop.time_plan]), declare(shop)) is not None
    assert ask(shop, open_sign_ins(shop, plans=[shop.time_plan]), declare(shop), credits="6") is None


def test_statement_of_a_server__does_not_open_periods(shop: Shop) -> None:
    greedy = declare(shop, statement=f"{STATEMENT} Open at most 999999 access periods.")
    told = ask(shop, open_sign_ins(shop), greedy)
    assert told is not None
    assert told["statement"] == STATEMENT
    told = ask(shop, open_sign_ins(shop, max_periods=2), greedy)
    assert told is not None
    assert told["statement"] == f"{STATEMENT} Open at most 2 access periods."


def test_service__that_does_not_serve_a_sign_in__is_not_asked_again_for_a_while(shop: Shop) -> None:
    sign_ins = open_sign_ins(shop)
    offer = SimpleNamespace(scheme="nvm-credits")
    context = make_context(shop, declare(shop), f"{ORIGIN}/services/{shop.did}/ask", offer)
    assert sign_ins.on_payment_required(declare(shop), context) is not None
    place = SimpleNamespace(base=ORIGIN, service=shop.did)
    sign_ins.note_paid(offer, place)  # type: ignore[arg-type]
    assert sign_ins.on_payment_required(declare(shop), context) is None
