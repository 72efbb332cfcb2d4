"""Tokens: what is true of who holds a plan, and ceilings that outlive a process."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nvm_chain.client.ceilings import Ceiling, CeilingFile
from nvm_chain.enums import Activation, RedemptionRule
from nvm_chain.errors import (
    InsufficientCredits,
    InvalidConfig,
    NoAccess,
    NvmChainError,
    PaidExternally,
    PlanNotActive,
    RedeemNotAllowed,
    SettlementsNotAccepted,
    TrialAlreadyTaken,
    WrongKind,
)
from nvm_chain.operations.credits import grant_external, has_access
from nvm_chain.operations.plans import set_plan_active
from nvm_chain.operations.settlement import settle_vouchers
from nvm_chain.payments import (
    Gateway,
    PaginationOptions,
    Payments,
    get_expirable_duration_config,
    get_fixed_credits_config,
    get_free_price_config,
    get_pay_as_you_go_credits_config,
    read_service_token,
)
from nvm_chain.types.credits import CreditsConfig
from nvm_chain.types.ids import format_did
from nvm_chain.types.prices import get_external_price_config
from tests.support.documents import ROOT
from tests.support.world import World

FREE = get_free_price_config()
WINDOW = get_expirable_duration_config(86_400)
LATER = get_expirable_duration_config(86_400, 2, activation=Activation.ON_FIRST_USE)
TRANSFERABLE = get_fixed_credits_config(10, transferable=True)
URL = "https://gateway.example.com"


@pytest.fixture
def served(world: World, subscriber: Payments) -> Payments:
    """The subscriber, who knows the builder's gateway."""
    return Payments(subscriber.chain, world.subscriber, gateway=Gateway(URL, world.builder.address))


@pytest.fixture
def offer(builder: Payments) -> Callable[..., tuple[str, str]]:
    """A factory of a free plan and an agent that accepts it: their ids."""

    def make(credits: CreditsConfig, price: Any = FREE) -> tuple[str, str]:
        plan_id = builder.plans.register_plan({"name": "P"}, price, credits)["planId"]
        return plan_id, builder.agents.register_agent({"name": "A"}, {}, [plan_id])["agentId"]

    return make


# ---------------------------------------------------------------------- who holds a plan is never told to order it


@pytest.mark.parametrize(
    ("credits", "says"),
    [
        (WINDOW, r"has access until \d{4}-\d\d-\d\d .* Do not order it again: .*`has_access`"),
        (LATER, r"has 2 periods to open\. Open one with `redeem_credits`, and do not order again"),
        (TRANSFERABLE, r"has 10 credits of it\. Do not order it again: pay for each request with `redeem_credits`"),
        (
            get_fixed_credits_config(10, transferable=True, rule=RedemptionRule.OWNER),
            r"has 10 credits of it\. Do not order it again: ask the seller",
        ),
    ],
    ids=["window", "periods", "transferable", "transferable of the owner"],
)
def test_get_service_token__for_who_holds_a_plan_without_vouchers__says_what_they_hold(
    served: Payments, offer: Callable[..., tuple[str, str]], credits: CreditsConfig, says: str
) -> None:
    plan_id, agent_id = offer(credits)
    served.order_plan(plan_id)
    for call in (
        lambda: served.get_service_token(agent_id),
        lambda: served.get_service_access_config(agent_id),
        lambda: served.agents.get_agent_access_token(plan_id, agent_id),
    ):
        with pytest.raises(SettlementsNotAccepted, match=says) as caught:
            call()
        assert caught.value.plan_id == int(plan_id)
        assert "Order one of" not in str(caught.value)


def test_get_service_token__after_the_window__says_that_a_plan_can_be_ordered(
    world: World, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(WINDOW)
    served.order_plan(plan_id)
    world.mine_at(world.now + 86_400)
    assert not has_access(served.chain, plan_id, served.account_address)
    with pytest.raises(NoAccess) as caught:
        served.get_service_token(agent_id)
    assert caught.value.plans == (format_did(int(plan_id)),)
    with pytest.raises(SettlementsNotAccepted, match=r"does not have it\. Order it"):
        served.agents.get_agent_access_token(plan_id, agent_id)


@pytest.mark.parametrize("by_voucher", [True, False], ids=["token", "download"])
def test_access__with_fewer_credits_than_a_request_costs__says_how_many(
    builder: Payments, served: Payments, by_voucher: bool, tmp_path: Path
) -> None:
    plan = builder.plans.register_plan({"name": "P"}, FREE, get_fixed_credits_config(5, 3))["planId"]
    url = f"{URL}/x.csv" if by_voucher else "data:,x"
    asset = builder.create_file(plan, "file", "F", "", [{"url": url, "name": "x.csv"}]).did
    served.order_plan(plan)
    served.plans.burn_credits(plan, 3)
    with pytest.raises(InsufficientCredits) as caught:
        served.download_file(asset, str(tmp_path))
    assert (caught.value.available, caught.value.required) == (2, 3)


def test_get_service_token__with_credits_on_one_plan_and_a_window_on_another__signs(
    builder: Payments, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    window, agent_id = offer(WINDOW)
    credits = builder.plans.register_plan({"name": "P"}, FREE, get_fixed_credits_config(1))["planId"]
    builder.agents.add_plan_to_agent(credits, agent_id)
    for plan in (window, credits):
        served.order_plan(plan)
    assert read_service_token(served.get_service_token(agent_id).accessToken).voucher.plan_id == int(credits)


def test_get_service_token__without_any_plan__names_those_that_give_tokens(
    builder: Payments, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    _, agent_id = offer(WINDOW)
    credits = builder.plans.register_plan({"name": "P"}, FREE, get_fixed_credits_config(1))["planId"]
    builder.agents.add_plan_to_agent(credits, agent_id)
    with pytest.raises(NoAccess) as caught:
        served.get_service_token(agent_id)
    assert caught.value.plans == (format_did(int(credits)),)


@pytest.mark.parametrize(
    ("credits", "price", "error"),
    [
        (get_pay_as_you_go_credits_config(), FREE, WrongKind),
        (get_fixed_credits_config(5), get_external_price_config(), PaidExternally),
    ],
    ids=["usage", "external"],
)
def test_get_service_token__where_no_plan_can_be_ordered__says_why(
    served: Payments,
    offer: Callable[..., tuple[str, str]],
    credits: CreditsConfig,
    price: Any,
    error: type[NvmChainError],
) -> None:
    with pytest.raises(error):
        served.get_service_token(offer(credits, price)[1])


def test_get_service_token__where_the_plan_was_stopped__says_so(
    world: World, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(get_fixed_credits_config(5))
    set_plan_active(world.chain, world.builder, plan_id, False)
    with pytest.raises(PlanNotActive):
        served.get_service_token(agent_id)


def test_get_service_token__after_a_trial_is_used_up__does_not_send_there_again(
    served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(get_fixed_credits_config(1, trial=True))
    served.order_plan(plan_id)
    served.plans.burn_credits(plan_id, 1)
    with pytest.raises(TrialAlreadyTaken):
        served.get_service_token(agent_id)


def test_get_service_token__of_a_plan_granted_for_outside_money__is_a_voucher(
    world: World, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(get_fixed_credits_config(5), get_external_price_config())
    grant_external(world.chain, world.builder, plan_id, world.subscriber.address, reference="receipt 1")
    assert served.get_service_token(agent_id).accessToken


def test_get_service_token__of_an_agent_without_plans__names_none(
    builder: Payments, served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(WINDOW)
    builder.agents.remove_plan_from_agent(plan_id, agent_id)
    with pytest.raises(NoAccess) as caught:
        served.get_service_token(agent_id)
    assert caught.value.plans == ()


def test_download_file__of_the_gateway_in_an_open_window__says_what_is_held(
    builder: Payments, served: Payments, tmp_path: Path
) -> None:
    plan = builder.plans.register_plan({"name": "P"}, FREE, WINDOW)["planId"]
    asset = builder.create_file(plan, "file", "F", "", [{"url": f"{URL}/x.csv"}]).did
    served.order_plan(plan)
    with pytest.raises(SettlementsNotAccepted, match="has access until"):
        served.download_file(asset, str(tmp_path))


def test_download_file__of_periods_that_the_owner_opens__asks_the_seller(
    builder: Payments, subscriber: Payments, tmp_path: Path
) -> None:
    later = get_expirable_duration_config(86_400, 2, activation=Activation.ON_FIRST_USE, rule=RedemptionRule.OWNER)
    plan = builder.plans.register_plan({"name": "P"}, FREE, later)["planId"]
    asset = builder.create_file(plan, "file", "F", "", [{"url": "data:,x", "name": "x"}]).did
    subscriber.order_plan(plan)
    with pytest.raises(RedeemNotAllowed, match="Do not order it again"):
        subscriber.download_file(asset, str(tmp_path))


# ---------------------------------------------------------------------- a state file


@pytest.fixture
def buy(world: World, served: Payments, offer: Callable[..., tuple[str, str]], tmp_path: Path) -> Callable[[], int]:
    """A buyer that is a new process for each request, as far as its memory goes: returns the ceiling that it signs."""
    plan_id, agent_id = offer(get_fixed_credits_config(10, 2))
    served.order_plan(plan_id)

    def sign() -> int:
        gateway = Gateway(URL, world.builder.address)
        buyer = Payments(world.chain, world.subscriber, gateway=gateway, state=tmp_path / "state.json")
        voucher = read_service_token(buyer.get_service_token(agent_id).accessToken)
        last.append(voucher)
        return voucher.voucher.ceiling

    last: list[Any] = []
    sign.settle = lambda: settle_vouchers(world.chain, world.builder, plan_id, last[-1:])  # type: ignore[attr-defined]
    return sign


def test_state__in_a_new_process_for_each_request__signs_a_higher_ceiling_each_time(
    buy: Callable[[], int], tmp_path: Path
) -> None:
    assert [buy() for _ in range(3)] == [2, 4, 6]
    buy.settle()  # type: ignore[attr-defined]
    assert buy() == 8
    state = json.loads((tmp_path / "state.json").read_text())
    ((account, plans),) = state["accounts"].items()
    assert state["version"] == 1
    assert account.startswith("eip155:")
    assert [last["ceiling"] for last in plans.values()] == ["8"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.json", "state.json.lock"]


def test_state__after_the_deadline__still_counts_what_a_seller_may_have_served(
    world: World, buy: Callable[[], int]
) -> None:
    assert [buy(), buy()] == [2, 4]
    world.mine_at(world.now + 2 * 86_400)
    assert buy() == 6


def test_state__after_the_deadline_with_too_few_credits_for_both__signs_for_them_again(
    world: World, buy: Callable[[], int]
) -> None:
    assert [buy() for _ in range(5)] == [2, 4, 6, 8, 10]
    with pytest.raises(InsufficientCredits):
        buy()
    world.mine_at(world.now + 2 * 86_400)
    assert buy() == 2


def test_state__with_all_credits_promised__says_how_many_until_when_and_why_that_may_be(
    world: World, buy: Callable[[], int]
) -> None:
    assert [buy() for _ in range(4)] == [2, 4, 6, 8]
    buy.settle()  # type: ignore[attr-defined]  # takes 8 of 10
    assert buy() == 10
    with pytest.raises(InsufficientCredits) as caught:
        buy()
    assert (caught.value.available, caught.value.required) == (2, 4)
    assert caught.value.problem.endswith(
        "2 credits of the plan are promised by signed vouchers that are not settled yet."
    )
    assert caught.value.next_step.startswith(
        "Order the plan again, or wait until these vouchers are settled, or expire at 2"
    )
    assert caught.value.next_step.endswith(
        "; after a restart of a development chain the state file counts the vouchers of its earlier run: "
        "give a new file as `state`."
    )


def test_get_service_token__with_all_credits_promised_and_no_state_file__does_not_name_one(
    served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(get_fixed_credits_config(1))
    served.order_plan(plan_id)
    served.get_service_token(agent_id)
    with pytest.raises(InsufficientCredits) as caught:
        served.get_service_token(agent_id)
    assert caught.value.problem.endswith(
        "1 credit of the plan is promised by signed vouchers that are not settled yet."
    )
    assert "state" not in caught.value.next_step


def test_get_agent_access_token__with_too_few_credits_and_nothing_promised__says_to_order(
    served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    plan_id, agent_id = offer(get_fixed_credits_config(3, 2))
    served.order_plan(plan_id)
    served.plans.burn_credits(plan_id, 2)
    with pytest.raises(InsufficientCredits) as caught:
        served.get_service_token(agent_id)
    assert caught.value.explanation is None
    assert caught.value.next_step == "Order the plan, or ask the plan owner to grant credits."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "\xff",
        '{"version": 2, "accounts": {}}',
        '{"version": 1, "accounts": []}',
        '{"version": 1, "accounts": {"a": []}}',
        '{"version": 1, "accounts": {"a": {"b": {}}}}',
        '{"version": 1, "accounts": {"a": {"b": {"ceiling": 1, "deadline": "1"}}}}',
    ],
    ids=range(9),
)
def test_state__that_is_not_one__is_refused_and_kept(world: World, tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text, "latin-1")
    with pytest.raises(InvalidConfig, match="Restore the file, or make room on its disk"):
        Payments(world.chain, world.subscriber, state=tmp_path / "state.json")
    assert (tmp_path / "state.json").read_text("latin-1") == text


@pytest.mark.parametrize("state", ["missing/state.json", 5])
def test_state__at_no_place_for_a_file__is_refused(world: World, tmp_path: Path, state: Any) -> None:
    where = tmp_path / state if isinstance(state, str) else state
    with pytest.raises(InvalidConfig):
        Payments(world.chain, world.subscriber, state=where)
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidConfig, match="cannot be used"):
        Payments(world.chain, world.subscriber, state=tmp_path / "folder")


def test_state__of_two_accounts_in_one_file__keeps_them_apart(tmp_path: Path) -> None:
    one, other = CeilingFile(tmp_path / "s", "a"), CeilingFile(tmp_path / "s", "b")
    with one.lock():
        one.write(7, Ceiling(5, 100))
    with other.lock():
        other.write(7, Ceiling(6, 100))
    assert (one.read(7), other.read(7), one.read(8)) == (Ceiling(5, 100), Ceiling(6, 100), None)
    with one.lock():
        one.write(7, None)
    assert (one.read(7), other.read(7)) == (None, Ceiling(6, 100))


COUNT_UP = """
import sys
from nvm_chain.client.ceilings import Ceiling, CeilingFile
ceilings = CeilingFile(sys.argv[1], "a")
for _ in range(20):
    with ceilings.lock():
        last = ceilings.read(1)
        ceilings.write(1, Ceiling((last.total if last else 0) + 1, 1))
"""
"""Raises a ceiling, as one of several processes does."""


def test_state__of_several_processes_at_once__never_goes_down(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT_UP, str(tmp_path / "s")]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert CeilingFile(tmp_path / "s", "a").read(1) == Ceiling(60, 1)


def test_state__that_cannot_be_written__hands_out_no_voucher(
    buy: Callable[[], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert buy() == 2

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("nvm_chain.types.atomic_files.Draft.put", fail)
        with pytest.raises(InvalidConfig, match="No space left"):
            buy()
    assert buy() == 4


def test_act_as__with_a_state__keeps_it_for_the_other_account(world: World, tmp_path: Path) -> None:
    first = Payments(world.chain, world.subscriber, state=tmp_path / "s")
    assert first.act_as(world.stranger)._state == tmp_path / "s"


def test_state__whose_lock_cannot_be_made__is_refused(buy: Callable[[], int], tmp_path: Path) -> None:
    (tmp_path / "state.json.lock").mkdir()
    with pytest.raises(InvalidConfig, match=r"state\.json\.lock' cannot be made"):
        buy()


def test_get_agent_access_token__on_a_plan_for_usage__says_to_pay_for_each_request(
    served: Payments, offer: Callable[..., tuple[str, str]]
) -> None:
    with pytest.raises(SettlementsNotAccepted, match="pay_usage"):
        served.agents.get_agent_access_token(*offer(get_pay_as_you_go_credits_config()))


def test_create_file__on_a_plan_for_usage__is_refused(builder: Payments, offer: Callable[..., tuple[str, str]]) -> None:
    plan_id, _ = offer(get_pay_as_you_go_credits_config())
    with pytest.raises(InvalidConfig, match="gives no access to files"):
        builder.create_file(plan_id, "file", "F", "", [{"url": "data:,x", "name": "x"}])


@pytest.mark.parametrize("wrong", [{"sort_by": "name"}, {"sort_order": "up"}])
def test_pagination_options__sorted_by_what_there_is_not__are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidConfig, match="sorted by"):
        PaginationOptions(**wrong)
