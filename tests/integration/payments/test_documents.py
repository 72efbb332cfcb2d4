"""The Python that the user's two documents show, word for word, against the contracts.

tests/documents/ holds it as the documents do: line breaks lost, quotation marks curled. Only that is mended here; besides, the
documents leave a few names open (builder_address) and write DIDs and addresses that stand for one's own.
"""

import ast
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nvm_chain.payments as api
from nvm_chain.payments import BalanceResultDto, Payments
from nvm_chain.types.ids import format_did
from tests.integration.payments.conftest import USDC
from tests.support.http_server import Server
from tests.support.world import World

EMBEDDED_TOO = True

DOCUMENTS = Path(__file__).parents[2] / "documents"
PLANS = (DOCUMENTS / "payment-plans.txt").read_text("utf-8").splitlines()
EXAMPLES = (DOCUMENTS / "payments-python-api.txt").read_text("utf-8").splitlines()
SIGNATURES = [
    line
    for line in (DOCUMENTS / "payments-python-api-signatures.txt").read_text("utf-8").splitlines()
    if not line.startswith("__init__")
]
ASSIGNED = (
    "USDC_ERC20_TESTING|plan_metadata|price_config|credits_config|response|plan_id|one_day_plan_config|"
    "trial_plan_metadata|free_config|agent_metadata|agent_api|payment_plans|agent_id"
)


def mend(text: str) -> str:
    """Return a document's code with its line breaks: before a comment, and before each name that is assigned to."""
    text = re.sub("(?=#)", "\n", text)
    text = re.sub(rf"(?<![_ ,(\n])(?=(?:{ASSIGNED}) = )", "\n", text)
    return text.replace("from datetime import datetime", "\nfrom datetime import datetime\n")


def mend_example(text: str) -> str:
    """Return an example of the API's document with straight quotation marks and line breaks."""
    text = re.sub("[“”]", '"', text)
    return re.sub(r" (?=print\(|response\.|balance = )", "\n", text)


@pytest.fixture
def names(world: World, builder: Payments) -> dict[str, Any]:
    """What the first document's code takes for given."""
    if world.chain.usdc != USDC:
        pytest.fail(f"TestUSDC is at {world.chain.usdc}, not where USDC is on Base Sepolia")
    given = {name: getattr(api, name) for name in api.__all__}
    return {
        **given,
        "payments_builder": builder,
        "builder_address": builder.account_address,
        "ERC20_ADDRESS": world.chain.usdc,
    }


# ---------------------------------------------------------------------- plans and agents


def test_payment_plans__every_block__runs_unchanged(
    names: dict[str, Any], builder: Payments, subscriber: Payments
) -> None:
    plans = []
    for block in PLANS[:3]:
        exec(mend(block), names)
        plans.append(names["plan_id"])
    names |= {"credits_plan_id": plans[0], "expirable_plan_id": plans[1]}
    exec(mend(PLANS[3]), names)

    bought, timed, tried = [subscriber.plans.order_plan(plan) for plan in plans]
    assert [order["paid"] for order in (bought, timed, tried)] == ["20000000", "5000000", "0"]
    assert subscriber.plans.get_plan_balance(plans[0]).balance == 100
    assert [subscriber.plans.get_plan_balance(plan).plan_type for plan in plans] == ["credits", "time", "time"]
    assert [builder.plans.get_plan(plan)["registry"]["credits"]["durationSecs"] for plan in plans] == [
        0,
        86_400,
        86_400,
    ]
    with pytest.raises(api.PaymentsError, match="has already had the trial"):
        subscriber.plans.order_plan(plans[2])

    agent = builder.agents.get_agent(names["agent_id"])
    assert agent["metadata"]["endpoints"] == names["agent_api"]["endpoints"]
    assert agent["metadata"]["openEndpoints"] == names["agent_api"]["openEndpoints"]
    assert agent["metadata"]["dateCreated"] == names["agent_metadata"]["dateCreated"]
    assert {plan["planId"] for plan in agent["registry"]["plans"]} == {plans[0], plans[1]}


def test_payment_plans__code_of_the_document__is_all_there() -> None:
    code = [ast.unparse(ast.parse(mend(block))) for block in PLANS]
    called = set(re.findall(r"payments_builder\.(\w+\.\w+)\(", "\n".join(code)))
    assert called == {
        "plans.register_credits_plan",
        "plans.register_time_plan",
        "plans.register_time_trial_plan",
        "agents.register_agent",
    }


# ---------------------------------------------------------------------- the API's examples


@pytest.fixture
def own(world: World, builder: Payments, usdc: str, file_server: Server) -> Callable[[str], str]:
    """Puts one's own plan, file, service and addresses in place of those that the examples make up."""
    plan = builder.create_credits_plan("Basic", "100 credits", 1, usdc, 100).did
    file = builder.create_file(
        plan, "file", "Data", "Some data", [{"url": file_server.route("/data.csv", b"a,b\n")}]
    ).did
    world.send(world.builder, world.usdc.functions.mint(world.builder.address, 10))
    for holder in (builder.account_address, world.subscriber.address):
        builder.mint_credits(plan, 50, holder)

    def put(code: str) -> str:
        code = re.sub(r'plan_did="[^"]*"', f'plan_did="{plan}"', code)
        code = re.sub(r'file_did="[^"]*"', f'file_did="{file}"', code)
        code = re.sub(r'token_address="[^"]*"', f'token_address="{usdc}"', code)
        code = re.sub(r'account_address="[^"]*"', f'account_address="{world.subscriber.address}"', code)
        return code.replace('destination="/tmp"', "destination=folder")

    return put


RUNNING = [example for example in EXAMPLES if "get_service_token" not in example]


@pytest.mark.parametrize("example", RUNNING, ids=lambda text: re.findall(r"your_instance\.(\w+)", text)[0])
def test_api_example__of_each_method__runs_unchanged(
    example: str,
    own: Callable[[str], str],
    builder: Payments,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = {"your_instance": builder, "BalanceResultDto": BalanceResultDto, "folder": str(tmp_path)}
    exec(own(mend_example(example)), names)
    method = re.findall(r"your_instance\.(\w+)", example)[0]
    annotation = inspect.signature(getattr(Payments, method)).return_annotation
    assert isinstance(names["response"], annotation)
    assert capsys.readouterr().out.strip()


def test_api_example__get_service_token__needs_a_gateway(own: Callable[[str], str], builder: Payments) -> None:
    (example,) = [example for example in EXAMPLES if "get_service_token" in example]
    with pytest.raises(api.PaymentsError, match="gateway"):
        exec(mend_example(example), {"your_instance": builder})


def test_expected_response__of_the_document__is_that_of_an_owner_with_credits(
    builder: Payments, credits_did: str
) -> None:
    builder.mint_credits(credits_did, "12", builder.account_address)
    response = builder.get_plan_balance(credits_did)
    response.raise_for_status()
    assert response.json() == {"planType": "credits", "isOwner": True, "isSubscriptor": True, "balance": 12}
    assert BalanceResultDto.model_validate(response.json()) == response


# ---------------------------------------------------------------------- signatures


def read_signature(line: str) -> tuple[str, list[tuple[str, Any]], str | None]:
    """Return a documented method's name, its parameters with their defaults, and its result's type."""
    head, _, result = line.partition(" → ")
    node = ast.parse(f"def {head}: ...").body[0]
    assert isinstance(node, ast.FunctionDef)
    required = len(node.args.args) - len(node.args.defaults)
    defaults = [inspect.Parameter.empty] * required + [ast.literal_eval(default) for default in node.args.defaults]
    names = [argument.arg for argument in node.args.args]
    return node.name, list(zip(names, defaults, strict=True)), result or None


@pytest.mark.parametrize("line", SIGNATURES, ids=lambda line: line.partition("(")[0])
def test_method__has_the_documented_parameters_defaults_and_result(line: str) -> None:
    name, parameters, result = read_signature(line)
    signature = inspect.signature(getattr(Payments, name))
    documented = [
        own for own in signature.parameters.values() if own.name != "self" and own.kind is not own.KEYWORD_ONLY
    ]
    assert [(own.name, own.default) for own in documented] == parameters
    ours = [own for own in signature.parameters.values() if own.kind is own.KEYWORD_ONLY]
    assert all(own.default is not own.empty for own in ours)  # what is added here can be left out
    assert result is None or signature.return_annotation.__name__ == result


@pytest.mark.parametrize("name", ["get_plan_details", "get_service_details", "get_file_details"])
def test_details__which_the_document_names_without_a_signature__are_there(
    name: str, builder: Payments, credits_did: str
) -> None:
    service = builder.create_service(credits_did, "service", "Echo", "Says it again", "fixed", "none").did
    did = credits_did if "plan" in name else service
    details = getattr(builder, name)(did)
    assert details["did"] == details.json()["did"] == did == format_did(int(did.removeprefix("did:nv:"), 16))
