"""What a seller chooses on the page of a new plan: each mistake is told beside its field."""

import pytest

from nvm_chain.operations.plans import read_plan
from tests.gateway.checkout.new_plans import TEMPLATES, Seller


def test_price__with_shares__pays_each_receiver(seller: Seller) -> None:
    other = seller.stand.stall.new_account().address
    receivers = [{"address": seller.account.address, "amount": "15"}, {"address": other, "amount": "5"}]
    review = seller.register("month", receivers=receivers)
    splits = read_plan(seller.stand.stall.shop.chain, review["did"]).terms.splits
    assert [(split.receiver, split.amount) for split in splits] == [
        (seller.account.address, 15_000_000),
        (other, 5_000_000),
    ]


@pytest.mark.parametrize(
    ("token", "price", "base_units", "words"),
    [("ETH", "0.01", 10**16, "0.01 ETH"), ("odd", "20", 20 * 10**18, "20 WEIRD (token 0x")],
)
def test_price__in_another_token__has_its_decimals(
    seller: Seller, token: str, price: str, base_units: int, words: str
) -> None:
    named = seller.stand.stall.odd.address if token == "odd" else token
    review = seller.register("100-requests", token=named, price=price)
    assert words in review["terms"][0]["text"]
    assert read_plan(seller.stand.stall.shop.chain, review["did"]).terms.price == base_units


@pytest.mark.parametrize(
    ("template", "changes", "field", "kind", "part"),
    [
        ("month", {"price": "0.00002"}, "price", "SuspiciousPrice", "Prices are in whole tokens here."),
        (
            "month",
            {"price": "0.00002", "token": "ETH", "period": "1 m"},
            "period",
            "InvalidAmount",
            "minutes or months",
        ),
        ("month", {"price": "2e3"}, "price", "InvalidAmount", "is not a plain decimal number"),
        ("month", {"price": ""}, "price", "InvalidAmount", "is missing"),
        ("month", {"price": "9" * 90}, "price", "InvalidAmount", "must be from"),
        ("month", {"price": "1.0000001"}, "price", "InvalidAmount", "more than the token's 6 decimals"),
        ("month", {"token": "0x" + "11" * 20}, "token", "NoContract", "No contract exists at"),
        ("month", {"token": "DAI"}, "token", "InvalidAddress", "is not 0x and 40 hexadecimal digits"),
        ("free", {"price": "1"}, "price", "InvalidConfig", "A free plan has no price"),
        ("decade", {}, "template", "InvalidConfig", "is not a template"),
        ("month", {"kind": "usage"}, "template", "InvalidConfig", "sells time"),
        ("month", {"period": "200 years"}, "period", "InvalidAmount", "must be from 1 to"),
        ("month", {"grants": "4294967296"}, "grants", "InvalidAmount", "must be from 1 to"),
        ("month", {"grants": "1" * 90}, "grants", "InvalidAmount", "is not a whole number"),
        ("month", {"grants": "-1"}, "grants", "InvalidAmount", "is not a whole number"),
        ("month", {"account": "0x12"}, "account", "InvalidAddress", "is not 0x and 40"),
        ("month", {"name": "x" * 121}, "name", "InvalidMetadata", "it has 121 characters"),
        ("month", {"description": "x"}, "name", "InvalidMetadata", "a description or an author needs one"),
        ("month", {"name": "x", "description": "sk-" + "a1B2" * 12}, "name", "SecretInMetadata", "public for ever"),
        ("custom", {"grants": ""}, "grants", "InvalidConfig", "The grant of a purchase is missing"),
        ("custom", {"transferable": True}, "grants", "InvalidConfig", "Credits that expire cannot be transferable"),
        ("custom", {"leastPerRequest": "60", "mostPerRequest": ""}, "grants", "SuspiciousGrant", "tick the box below"),
        ("custom", {"leastPerRequest": "6"}, "mostPerRequest", "InvalidConfig", "cannot cost 6 to 5"),
        ("custom", {"expires": "soon"}, "expires", "InvalidAmount", "is not a duration"),
        (
            "custom",
            {"kind": "time", "grants": "1", "mostPerRequest": "", "expires": ""},
            "period",
            "InvalidConfig",
            "length",
        ),
    ],
)
def test_choice__that_is_wrong__is_told_beside_its_field(
    seller: Seller, template: str, changes: dict[str, object], field: str, kind: str, part: str
) -> None:
    known = "month" if template not in TEMPLATES else template
    found = seller.problems(known, **({"template": template} | changes))
    assert found[field][0] == kind
    assert part in found[field][1]
    assert "--" not in found[field][1]
    assert "`" not in found[field][1]


def test_choices__that_are_wrong_in_several_places__are_told_at_once(seller: Seller) -> None:
    found = seller.problems("month", price="x", period="x", name="y" * 200)
    assert sorted(found) == ["name", "period", "price"]


@pytest.mark.parametrize("contract", ["credits", "token"])
def test_receiver__that_is_a_contract_of_the_plan__is_told_beside_its_field(seller: Seller, contract: str) -> None:
    chain = seller.stand.stall.shop.chain
    address = chain.credits.address if contract == "credits" else chain.usdc
    own = {"address": seller.account.address, "amount": "15"}
    problems = seller.problems("month", receivers=[own, {"address": address, "amount": "5"}])
    assert list(problems) == ["receivers.1.address"]
    assert "cannot be paid. Name an account" in problems["receivers.1.address"][1]


def test_receiver__without_an_address__is_told_once(seller: Seller) -> None:
    assert list(seller.problems("month", receivers=[{"address": "0x12", "amount": "20"}])) == ["receivers.0.address"]


def test_receivers__that_are_wrong__are_told_one_by_one(seller: Seller) -> None:
    receivers = [{"address": "0x12", "amount": "15"}, {"address": seller.account.address, "amount": "many"}]
    assert sorted(seller.problems("month", receivers=receivers)) == ["receivers.0.address", "receivers.1.amount"]
    one = {"address": seller.account.address, "amount": "1"}
    assert (
        "The shares add up to 2, and the price is 20" in seller.problems("month", receivers=[one] * 2)["receivers"][1]
    )


@pytest.mark.parametrize(("count", "status"), [(16, 200), (17, 422), (64, 422), (65, 400)])
def test_receivers__that_are_many__are_at_most_16(seller: Seller, count: int, status: int) -> None:
    receivers = [{"address": seller.account.address, "amount": "1"}] * count
    answer = seller.post("", seller.choose("month", price=str(count), receivers=receivers))
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["problems"][0]["field"] == "receivers"


def test_price__that_is_low_on_purpose__is_reviewed_after_a_tick(seller: Seller) -> None:
    review = seller.review("month", price="0.00002", allowTinyPrice=True)
    assert review["terms"][0]["text"] == "One purchase costs 0.00002 USDC."


def test_price__that_is_high__is_noted(seller: Seller) -> None:
    review = seller.review("month", price="20000000")
    assert "The price is high: 20000000 USDC. Prices are in whole tokens here." in review["notes"]
