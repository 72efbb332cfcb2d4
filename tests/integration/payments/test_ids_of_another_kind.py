"""An id of another kind is named as what it is, in the spelling that was given, wherever an agent or a plan is meant."""

from collections.abc import Callable

import pytest

from nvm_chain.errors import IdOfAnotherKind, InvalidConfig
from nvm_chain.operations.transactions import look_up_transaction
from nvm_chain.payments import Gateway, Payments

URL = "https://gateway.example.com"


@pytest.fixture
def plan(builder: Payments) -> str:
    return builder.create_credits_plan("Basic", "", 0, str(builder.chain.usdc), 100).did


CALLS: dict[str, Callable[[Payments, str, str], object]] = {
    "get_service_details": lambda payments, plan, _: payments.get_service_details(plan),
    "get_file_details": lambda payments, plan, _: payments.get_file_details(plan),
    "get_agent": lambda payments, plan, _: payments.agents.get_agent(plan),
    "get_agent_plans": lambda payments, plan, _: payments.agents.get_agent_plans(plan),
    "add_plan_to_agent": lambda payments, plan, _: payments.agents.add_plan_to_agent(plan, plan),
    "remove_plan_from_agent": lambda payments, plan, _: payments.agents.remove_plan_from_agent(plan, plan),
    "get_agent_access_token": lambda payments, plan, _: payments.agents.get_agent_access_token(plan, plan),
    "update_agent_metadata": lambda payments, plan, _: payments.agents.update_agent_metadata(
        plan, {"name": "x"}, {"endpoints": []}
    ),
    "download_file": lambda payments, plan, folder: payments.download_file(plan, folder),
}


@pytest.mark.parametrize("name", CALLS)
def test_call__with_the_id_of_a_plan_for_that_of_an_agent__says_so(
    builder: Payments, plan: str, name: str, tmp_path: object
) -> None:
    payments = Payments(builder.chain, builder._session.signer, gateway=Gateway(URL, builder.account_address))
    with pytest.raises(IdOfAnotherKind) as caught:
        CALLS[name](payments, plan, str(tmp_path))
    assert (caught.value.given, caught.value.kind) == (plan, "a plan")


@pytest.mark.parametrize("given", ["0x" + "ab" * 32, "ab" * 32])
def test_gateway__with_a_key_for_an_address__does_not_show_it(builder: Payments, given: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Gateway(given, builder.account_address)
    assert "abab" not in str(caught.value)


@pytest.mark.parametrize("destination", ["~", "~/downloads"])
def test_download_file__to_a_tilde__says_that_it_is_only_a_name(builder: Payments, plan: str, destination: str) -> None:
    file = builder.create_file(plan, "dataset", "n", "", [{"url": "data:,hi", "name": "a.txt"}]).did
    builder.order_plan(plan)
    with pytest.raises(InvalidConfig, match=r"`Path\.home\(\)` is your own folder"):
        builder.download_file(file, destination)


@pytest.mark.parametrize("given", ["0x12", "zz", "ab" * 32, "0x" + "ab" * 33])
def test_look_up_transaction__of_what_is_no_hash__says_so_and_does_not_show_it(builder: Payments, given: str) -> None:
    with pytest.raises(InvalidConfig, match=r"^The hash of a transaction is 0x and 64 hexadecimal digits") as caught:
        look_up_transaction(builder.chain, given)
    assert given not in str(caught.value)
