"""An outside client (viem, with its own ERC-1155 ABI) orders, approves, transfers and reads on anvil."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.chain.embedded import deploy_all
from nvm_chain.operations.credits import read_balances
from nvm_chain.operations.plans import register_plan
from nvm_chain.operations.tokens import mint_test_usdc
from nvm_chain.types.credits import get_fixed_credits_config
from nvm_chain.types.prices import get_erc20_price_config
from tests.support.anvil import open_anvil, run_anvil
from tests.support.world import CREDITS, PRICE, ZERO, World

SCRIPT = Path(__file__).parent / "outside_client.mjs"
ERC165, ERC1155, METADATA = "0x01ffc9a7", "0xd9b67a26", "0x0e89341c"
NONE, ERC721 = "0xffffffff", "0x80ac58cd"
URI = "ipfs://plan-{id}"


def run_client(settings: dict[str, Any]) -> dict[str, Any]:
    """Run the client and return its report."""
    command = ["node", str(SCRIPT), json.dumps(settings)]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def prepare(world: World) -> dict[str, Any]:
    """Register two plans, give the subscriber USDC and credits of the second, and return the client's settings."""
    price = get_erc20_price_config(PRICE, world.usdc.address, world.builder.address)
    credits = get_fixed_credits_config(CREDITS, transferable=True)
    plan_ids = [register_plan(world.chain, world.builder, price, credits, uri=URI).plan_id for _ in range(2)]
    mint_test_usdc(world.chain, world.subscriber, world.subscriber.address, PRICE)
    world.grant(plan_ids[1], world.subscriber.address, 10)
    return {
        "url": world.chain.label,
        "credits": world.credits.address,
        "token": world.usdc.address,
        "builder": world.builder.address,
        "price": str(PRICE),
        "planIds": [str(plan_id) for plan_id in plan_ids],
        "keys": ["0x" + bytes(account.key).hex() for account in (world.subscriber, world.other)],
        "interfaces": [ERC165, ERC1155, METADATA, NONE, ERC721],
    }


@pytest.fixture(scope="module")
def story() -> Any:
    """What the client reports, and the world it leaves behind; all in one run, as it takes a second."""
    with run_anvil() as url:
        chain = open_anvil(url)
        deploy_all(chain, chain.accounts[0])
        world = World(chain)
        settings = prepare(world)
        yield world, [int(plan_id) for plan_id in settings["planIds"]], run_client(settings)


def single(operator: str, sender: str, receiver: str, plan_id: int, value: int) -> dict[str, Any]:
    """Return a TransferSingle event as the client writes it."""
    ends = {"operator": operator, "from": sender, "to": receiver}
    return {"name": "TransferSingle", **ends, "id": str(plan_id), "value": str(value)}


def test_supports_interface__asked_by_viem__is_what_the_standards_say(story: Any) -> None:
    _, _, report = story
    assert report["interfaces"] == [True, True, True, False, False]


def test_uri__read_by_viem__is_as_registered(story: Any) -> None:
    assert story[2]["uri"] == URI


def test_order__by_viem__pays_and_grants(story: Any) -> None:
    world, (plan_id, _), report = story
    subscriber = world.subscriber.address
    assert report["order"]["status"] == "success"
    assert report["order"]["result"] == report["paid"] == str(PRICE)
    assert report["order"]["events"] == [single(subscriber, ZERO, subscriber, plan_id, CREDITS)]
    assert report["balance"] == str(CREDITS)


def test_set_approval_for_all__by_viem__approves(story: Any) -> None:
    world, _, report = story
    account, operator = world.subscriber.address, world.other.address
    assert report["approved"] == [False, True]
    assert report["approval"]["events"] == [
        {"name": "ApprovalForAll", "account": account, "operator": operator, "approved": True}
    ]


def test_safe_transfer_from__by_an_operator_with_viem__moves_credits(story: Any) -> None:
    world, (plan_id, _), report = story
    subscriber, operator = world.subscriber.address, world.other.address
    assert report["transfer"]["events"] == [single(operator, subscriber, operator, plan_id, 30)]


def test_safe_batch_transfer_from__by_viem__moves_credits_of_both_plans(story: Any) -> None:
    world, plan_ids, report = story
    subscriber, operator = world.subscriber.address, world.other.address
    assert report["batch"]["events"] == [
        {
            "name": "TransferBatch",
            "operator": subscriber,
            "from": subscriber,
            "to": operator,
            "ids": [str(plan_id) for plan_id in plan_ids],
            "values": ["5", "2"],
        }
    ]


def test_balance_of_batch__by_viem__is_what_we_read(story: Any) -> None:
    world, (plan_id, other), report = story
    subscriber, operator = world.subscriber.address, world.other.address
    assert report["balances"] == ["65", "35", "8", "2"]
    pairs = [(plan_id, subscriber), (plan_id, operator), (other, subscriber), (other, operator)]
    assert read_balances(world.chain, pairs) == [65, 35, 8, 2]
