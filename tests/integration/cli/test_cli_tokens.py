"""Tokens for a gateway in the shell: one for each request, from one process after another, and refusals that say what to do."""

from typing import Any

import pytest

from nvm_chain.enums import PlanKind
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.signing.service_tokens import read_service_token
from nvm_chain.signing.vouchers import SignedVoucher
from nvm_chain.types.ids import format_did
from tests.integration.cli.conftest import Shell
from tests.support.agents import Agents
from tests.support.world import World

GATEWAY = "https://gateway.example.com"
DAY = 86_400


def options(world: World, *more: str) -> tuple[str, ...]:
    """Return what each token needs."""
    where = ("--gateway", f"{GATEWAY}/", "--redeemer", world.builder.address)
    return (*where, "--state", "ceilings.json", "--dev-account", "2", *more)


def sell(world: World, *, cost: int = 1, **terms: Any) -> tuple[int, int]:
    """Register a plan and an agent that accepts it; return their ids."""
    plan_id = world.register(**terms)
    return plan_id, Agents(world).register((plan_id, cost, cost))


def test_token_sign__by_one_process_after_another__is_for_one_request_more(shell: Shell) -> None:
    world = shell.world
    plan_id, agent_id = sell(world, cost=1)
    world.grant(plan_id, world.subscriber.address, 10)
    state = shell.state(plan_id)
    first, second = (shell("token", "sign", str(agent_id), *options(world, "--json")).json for _ in range(2))
    assert (first["ceiling"], second["ceiling"]) == (1, 2)
    signed = read_service_token(second.pop("token"))
    assert second == {
        "agent_id": agent_id,
        "plan_id": format_plan_id(plan_id),
        "did": format_did(plan_id),
        "holder": world.subscriber.address,
        "redeemer": world.builder.address,
        "ceiling": 2,
        "deadline": signed.voucher.deadline,
        "url": f"{GATEWAY}/services/{format_did(agent_id)}",
    }
    assert shell.state(plan_id) == state
    assert settle_vouchers(world.chain, world.builder, plan_id, [signed]).credits == 2


def test_token_sign__without_json__prints_the_token_alone_on_stdout(shell: Shell) -> None:
    world = shell.world
    plan_id, agent_id = sell(world)
    world.grant(plan_id, world.subscriber.address, 10)
    ran = shell("token", "sign", format_did(agent_id), *options(world, "--plan", str(plan_id)))
    assert read_service_token(ran.stdout.strip()).voucher.holder == world.subscriber.address
    assert f"{GATEWAY}/services/" in ran.stderr


def test_token_read__of_a_token__prints_the_voucher_that_verify_and_settle_take(shell: Shell) -> None:
    world = shell.world
    plan_id, agent_id = sell(world)
    world.grant(plan_id, world.subscriber.address, 10)
    token = shell("token", "sign", str(agent_id), *options(world)).stdout
    voucher = shell("token", "read", "-", typed=token).stdout
    assert SignedVoucher.from_json(voucher) == read_service_token(token.strip())
    checked = shell("voucher", "verify", "-", "--json", typed=voucher).json
    assert (checked["ceiling"], checked["available"]) == (1, 1)


def test_token_read__of_something_else__says_what_it_is_not(shell: Shell) -> None:
    ran = shell("token", "read", "-", "--json", typed="Bearer xyz\n")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidMessage")
    assert ran.error["fields"]["kind"] == "service token"


def test_token_sign__for_an_open_window__names_the_command_that_asks_the_chain(shell: Shell) -> None:
    world = shell.world
    plan_id, agent_id = sell(world, kind=PlanKind.TIME, credits=1, duration=DAY, min_redeem=0, max_redeem=0, cost=0)
    world.fund(world.subscriber)
    world.order(plan_id)
    ran = shell("token", "sign", str(agent_id), *options(world, "--json"))
    assert (ran.exit_code, ran.error["type"]) == (6, "SettlementsNotAccepted")
    assert "`nvm-chain access`" in ran.error["next_step"]
    assert "order" not in ran.error["next_step"].replace("Do not order it again", "")


def test_token_sign__with_nothing_held__names_the_plans_to_order(shell: Shell) -> None:
    plan_id, agent_id = sell(shell.world)
    ran = shell("token", "sign", str(agent_id), *options(shell.world, "--json"))
    assert (ran.exit_code, ran.error["type"]) == (2, "NoAccess")
    assert ran.error["fields"]["plans"] == [format_did(plan_id)]


@pytest.mark.parametrize(
    ("gateway", "error"), [("gateway.example.com", "BadParameter"), ("https://a.b/?x=1", "InvalidConfig")]
)
def test_token_sign__with_an_address_that_is_none__is_refused(shell: Shell, gateway: str, error: str) -> None:
    words = ("--gateway", gateway, "--redeemer", shell.world.builder.address, "--state", "s.json", "--dev-account", "2")
    ran = shell("token", "sign", "1", *words, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, error)
