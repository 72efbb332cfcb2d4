"""A 402 to the user of an allowance: it says what the allowance lacks, and nothing of the holder's account (S7)."""

from collections.abc import Iterator

import pytest
import requests
from eth_account import Account

import nvm_chain as nvm
from tests.client.clients import find_port
from tests.gateway.shop import Gate, Shop
from tests.gateway.test_allowances import ask, grant, read_type
from tests.gateway.test_serving import read_header

HAS = 7
"""The credits of the holder, of which two requests take four."""


@pytest.fixture(scope="module")
def poor_gate(shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway, for a holder with few credits."""
    holders = [Account.create() for _ in range(2)]
    nvm.mint_credits_batch(shop.chain, shop.builder, shop.credits_plan, {holder.address: HAS for holder in holders})
    port = find_port()
    with shop.open(tmp_path_factory.mktemp("gateway"), upstream_url, port=port, url=f"http://127.0.0.1:{port}") as gate:
        gate.buyer = holders[0]
        yield gate


def use_up(gate: Gate, token: str) -> requests.Response:
    """Send requests with a token until one is refused."""
    answers = [ask(gate, token) for _ in range(4)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    return next(answer for answer in answers if answer.status_code != 200)


def test_refusal__of_an_account_that_is_used_up__does_not_tell_the_user_what_it_has(poor_gate: Gate) -> None:
    token = grant(poor_gate, limit=100).open().json()["token"]
    refused = use_up(poor_gate, token)
    assert read_type(refused) == (402, "HolderCannotPay")
    told, header = refused.json(), read_header(refused, "PAYMENT-REQUIRED")
    assert told["nvm"]["fields"] | {"plan_id": "", "holder": ""} == {
        "next_ceiling": 0,
        "plan_id": "",
        "holder": "",
        "required": 2,
    }
    assert all("account" not in offer["extra"] for offer in (*told["accepts"], *header["accepts"]))
    assert "eiling" not in refused.text.replace("next_ceiling", "")


def test_refusal__of_an_allowance_that_is_used_up__tells_its_own_limit_only(poor_gate: Gate) -> None:
    gate = Gate(poor_gate.shop, poor_gate.url, poor_gate.shop.new_buyer())
    gate.wait_for("charged", "0")
    refused = use_up(gate, grant(gate, limit=4).open().json()["token"])
    assert read_type(refused) == (402, "LimitReached")
    told = refused.json()
    assert (told["nvm"]["fields"]["next_ceiling"], told["nvm"]["fields"]["limit"]) == (0, 4)
    assert all("account" not in offer["extra"] for offer in told["accepts"])
    holder = gate.paid("POST", "/ask", b"tea?", ceiling=1)
    assert read_type(holder) == (402, "CeilingTooLow")
    assert holder.json()["accepts"][0]["extra"]["account"]["nextCeiling"] == "6"  # which the holder is told


def test_refusal__because_of_what_is_not_settled__is_tried_again_later(
    shop: Shop, upstream_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    port = find_port()
    with shop.open(
        tmp_path_factory.mktemp("gateway"), upstream_url, port=port, url=f"http://127.0.0.1:{port}", exposure=4
    ) as gate:
        gate.wait_for("charged", "0")
        refused = use_up(gate, grant(gate, limit=100).open().json()["token"])
        assert read_type(refused) == (429, "HolderNotSettled")
        assert int(refused.headers["Retry-After"]) > 0
