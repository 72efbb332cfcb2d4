"""Credits sent on, plans found and handed over, agents changed, transactions looked up, orders with a name, hints."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from nvm_chain.enums import Activation, PlanKind
from nvm_chain.errors.formatting import format_plan_id
from nvm_chain.metadata import AgentMetadata, PlanMetadata, build_metadata_uri, parse_metadata_uri
from nvm_chain.metadata.file_entries import FileEntry
from nvm_chain.operations.agents import read_agent, register_agent
from nvm_chain.operations.plans import read_plan
from nvm_chain.types.ids import format_did
from tests.integration.cli.conftest import Shell
from tests.support.agents import Agents
from tests.support.shell import run_cli
from tests.support.world import PRICE, ZERO

SUBSCRIBER = ("--dev-account", "2")
BUILDER = ("--dev-account", "1")
DAY = 86_400
FILE_ASSET = AgentMetadata("Greeting", agent_type="file", files=(FileEntry("data:,hello", name="greeting.txt"),))
UNSENT = "0x" + "ab" * 32


def names(plan_id: int) -> dict[str, str]:
    """Return how answers name a plan."""
    return {"plan_id": format_plan_id(plan_id), "did": format_did(plan_id)}


# ---------------------------------------------------------------------- transfer


def test_transfer__of_a_transferable_plan__sends_credits(shell: Shell) -> None:
    world = shell.world
    plan_id, partner = world.register(transferable=True), world.partner.address
    world.grant(plan_id, world.subscriber.address, 10)
    answer = shell("transfer", str(plan_id), partner, "4", *SUBSCRIBER, "--json").json
    assert answer.pop("transaction")["gas_used"] > 0
    assert answer == {
        **names(plan_id),
        "holder": world.subscriber.address,
        "receiver": partner,
        "credits": 4,
        "credits_left": 6,
    }
    assert (world.balance(plan_id, partner), world.balance(plan_id, world.subscriber.address)) == (4, 6)


def test_transfer__of_another_plan__is_refused_and_nothing_is_sent(shell: Shell) -> None:
    plan_id = shell.world.register()
    shell.world.grant(plan_id, shell.world.subscriber.address, 10)
    state = shell.state(plan_id)
    ran = shell("transfer", str(plan_id), shell.world.partner.address, "4", *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "NotTransferable")
    assert shell.state(plan_id) == state


# ---------------------------------------------------------------------- plan list, holdings


def plan_ids(items: list[dict[str, Any]]) -> list[int]:
    return [int(item["plan_id"], 16) for item in items]


def test_plan_list__by_owner_and_holder__finds_what_they_have_now(shell: Shell) -> None:
    world = shell.world
    kept, given = world.register(), world.register(signer=world.other)
    sold = world.register()
    for function, signer in (
        (world.credits.functions.transferPlanOwnership(given, world.builder.address), world.other),
        (world.credits.functions.acceptPlanOwnership(given), world.builder),
        (world.credits.functions.transferPlanOwnership(sold, world.other.address), world.builder),
        (world.credits.functions.acceptPlanOwnership(sold), world.other),
    ):
        world.send(signer, function)
    world.grant(kept, world.subscriber.address, 3)
    owned = shell("plan", "list", "--owner", world.builder.address, "--json").json
    assert plan_ids(owned["plans"]) == [kept, given]
    assert plan_ids(shell("plan", "list", "--owner", world.other.address, "--json").json["plans"]) == [sold]
    assert plan_ids(shell("plan", "list", "--holder", world.subscriber.address, "--json").json["plans"]) == [kept]
    assert plan_ids(shell("plan", "list", "--json").json["plans"]) == [kept, given, sold]
    assert owned["plans"][0] == {
        **names(kept),
        "owner": world.builder.address,
        "active": True,
        "kind": "credits",
        "token": world.usdc.address,
        "price": str(PRICE),
        "credits": 100,
    }
    assert owned["blocks"]["last_block"] == world.chain.read_block().number
    assert owned["blocks"]["is_complete"] is True


def test_plan_list__in_a_range__looks_at_no_other_block_and_says_which(shell: Shell) -> None:
    world = shell.world
    first = world.register()
    block = world.chain.read_block().number
    second = world.register()
    ran = shell("plan", "list", "--from-block", str(block), "--blocks", "1", "--json").json
    assert ran["blocks"] == {"first_block": block, "last_block": block, "is_complete": False}
    assert plan_ids(ran["plans"]) == [first]
    latest = shell("plan", "list", "--blocks", "1", "--json").json
    assert latest["blocks"] == {"first_block": block + 1, "last_block": block + 1, "is_complete": False}
    assert plan_ids(latest["plans"]) == [second]
    shown = shell("plan", "list", "--blocks", "1").stdout.splitlines()
    assert shown[0] == f"blocks   {block + 1:,} to {block + 1:,}; others with --from-block N and --blocks N"
    assert shown[1:] == [f"plan id  {format_plan_id(second)}", "         100 credits, 20 USDC"]


@pytest.mark.parametrize("options", [("--from-block", "100000"), ("--blocks", "0"), ("--from-block", "-1")])
def test_plan_list__of_blocks_that_cannot_be__is_refused(shell: Shell, options: tuple[str, ...]) -> None:
    ran = shell("plan", "list", *options, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")


def test_holdings__of_each_kind__says_what_is_held_and_owned_now(shell: Shell) -> None:
    world = shell.world
    holder = world.subscriber.address
    world.fund(world.subscriber)
    credits, spent = world.register(), world.register()
    window = world.register(kind=PlanKind.TIME, credits=2, duration=DAY, min_redeem=0, max_redeem=0)
    periods = world.register(
        kind=PlanKind.TIME, activation=Activation.ON_FIRST_USE, credits=2, duration=DAY, min_redeem=1, max_redeem=1
    )
    own = world.register(signer=world.subscriber)
    world.grant(credits, holder, 1_234)
    world.grant(spent, holder, 1)
    world.send(world.subscriber, world.credits.functions.burn(spent, holder, 1))
    for plan_id in (window, periods):
        world.order(plan_id)
    answer = shell("holdings", holder, "--json").json
    assert plan_ids(answer["held"]) == [credits, window, periods]
    assert [(item["kind"], item["balance"]) for item in answer["held"]] == [("credits", 1234), ("time", 2), ("time", 2)]
    assert plan_ids(answer["owned"]) == [own]
    shown = shell("holdings", holder).stdout
    assert "1,234 credits" in shown
    assert "2 periods" in shown
    assert max(map(len, shown.splitlines())) <= 80
    world.mine_at(world.now + 3 * DAY)
    assert plan_ids(shell("holdings", holder, "--json").json["held"]) == [credits, periods]


def test_holdings__of_nobody__says_so(shell: Shell) -> None:
    assert shell("holdings", "0x" + "11" * 20).stdout.splitlines()[-1] == "found    nothing in these blocks"


# ---------------------------------------------------------------------- plan metadata and ownership


def test_plan_register__with_a_name__keeps_its_metadata_on_the_chain_and_show_reads_it(shell: Shell) -> None:
    words = ("--name", "Translations", "--description", "Per page.", "--price", "20 USDC", "--grants", "100")
    answer = shell("plan", "register", *words, *BUILDER, "--json").json
    plan_id = int(answer["plan_id"], 16)
    uri = build_metadata_uri(PlanMetadata("Translations", "Per page."))
    assert read_plan(shell.world.chain, plan_id).uri == uri == answer["uri"]
    known = {"name": "Translations", "description": "Per page."}
    assert {**answer["metadata"], **known} == answer["metadata"]
    assert shell("plan", "show", str(plan_id), "--json").json["metadata"] == answer["metadata"]
    assert shell("plan", "show", str(plan_id)).stdout.splitlines()[-2:] == [
        "name                    Translations",
        "description             Per page.",
    ]


@pytest.mark.parametrize("written", ["data:application/json;base64,!", "data:application/json;base64,e30="])
def test_plan_show__with_metadata_that_cannot_be_read__shows_the_rest(shell: Shell, written: str) -> None:
    plan_id = shell.world.register(uri=written)
    answer = shell("plan", "show", str(plan_id), "--json").json
    assert (answer["uri"], answer["metadata"]) == (written, None)
    assert "metadata                it cannot be read: " in shell("plan", "show", str(plan_id)).stdout


@pytest.mark.parametrize(
    "options",
    [
        ("--description", "x"),
        ("--name", "x", "--uri", "ipfs://x"),
        ("--name", "x", "--description", "password=hunter2hunter2"),
    ],
)
def test_plan_register__with_metadata_that_cannot_be__sends_nothing(shell: Shell, options: tuple[str, ...]) -> None:
    state = shell.state()
    ran = shell("plan", "register", "--price", "free", "--grants", "1", *options, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) in {(2, "InvalidConfig"), (2, "SecretInMetadata")}
    assert shell.state() == state


@pytest.mark.parametrize(
    ("words", "uri"),
    [
        (("ipfs://new",), "ipfs://new"),
        (("--uri", "ipfs://new"), "ipfs://new"),
        (("--name", "New"), build_metadata_uri(PlanMetadata("New"))),
    ],
)
def test_plan_set_uri__by_its_owner__changes_the_metadata(shell: Shell, words: tuple[str, ...], uri: str) -> None:
    plan_id = shell.world.register()
    answer = shell("plan", "set-uri", str(plan_id), *words, *BUILDER, "--json").json
    assert answer["uri"] == uri == read_plan(shell.world.chain, plan_id).uri


def test_plan_set_uri__given_twice__is_refused(shell: Shell) -> None:
    words = ("plan", "set-uri", str(shell.world.register()), "https://a.example", "--uri", "https://b.example")
    ran = shell(*words, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["problem"]) == (2, "The URI is given twice.")


def test_plan_set_uri__of_nothing__says_what_to_give(shell: Shell) -> None:
    ran = shell("plan", "set-uri", "7", *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert "--name for metadata on the chain" in ran.error["message"]


def test_plan_transfer_ownership__offered_withdrawn_and_accepted__changes_the_owner(shell: Shell) -> None:
    world = shell.world
    plan_id, partner = world.register(), world.partner.address
    words = ("plan", "transfer-ownership", str(plan_id))
    offer = shell(*words, partner, *BUILDER, "--json").json
    assert (offer["owner"], offer["pending_owner"]) == (world.builder.address, partner)
    assert shell(*words, "--withdraw", *BUILDER, "--json").json["pending_owner"] is None
    accept = ("plan", "accept-ownership", str(plan_id), "--dev-account", str(world.chain.accounts.index(world.partner)))
    refused = shell(*accept, "--json")
    assert (refused.exit_code, refused.error["type"]) == (6, "NotPendingPlanOwner")
    assert shell(*words, partner, *BUILDER).exit_code == 0
    answer = shell(*accept, "--json").json
    assert (answer["owner"], answer["pending_owner"]) == (partner, None)
    assert read_plan(world.chain, plan_id).owner == partner


@pytest.mark.parametrize("options", [(), ("PARTNER", "--withdraw")])
def test_plan_transfer_ownership__of_none_or_both__says_what_to_give(shell: Shell, options: tuple[str, ...]) -> None:
    words = [shell.world.partner.address if word == "PARTNER" else word for word in options]
    ran = shell("plan", "transfer-ownership", "7", *words, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")


# ---------------------------------------------------------------------- agents


def test_agent_update__by_its_owner__replaces_the_metadata(shell: Shell) -> None:
    agent = Agents(shell.world).register(uri=build_metadata_uri(AgentMetadata("Old")))
    words = ("--name", "New", "--endpoint", "POST=https://example.com/tasks")
    answer = shell("agent", "update", str(agent), *words, *BUILDER, "--json").json
    assert answer["metadata"]["name"] == "New"
    known = parse_metadata_uri(read_agent(shell.world.chain, agent).uri)
    assert (known.name, known.endpoints[0].url_pattern) == ("New", "https://example.com/tasks")


def test_agent_transfer__by_its_owner__gives_it_away(shell: Shell) -> None:
    agent, partner = Agents(shell.world).register(), shell.world.partner.address
    answer = shell("agent", "transfer", str(agent), partner, *BUILDER, "--json").json
    assert (answer["agent_id"], answer["owner"]) == (agent, partner)
    assert read_agent(shell.world.chain, agent).owner == partner
    again = shell("agent", "transfer", format_did(agent), partner, *BUILDER, "--json")
    assert (again.exit_code, again.error["type"]) == (6, "ERC721InsufficientApproval")


def test_agent_show__with_metadata_that_cannot_be_read__shows_the_rest(shell: Shell) -> None:
    agent = Agents(shell.world).register(uri="data:application/json;base64,!")
    answer = shell("agent", "show", str(agent), "--json").json
    assert (answer["owner"], answer["metadata"]) == (shell.world.builder.address, None)


# ---------------------------------------------------------------------- transaction


def test_transaction__that_is_done__says_what_it_did(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.fund(world.subscriber)
    order = shell("order", str(plan_id), *SUBSCRIBER, "--json").json
    answer = shell("transaction", order["transaction"]["hash"], "--json").json
    assert (answer["status"], answer["sender"], answer["error"]) == ("done", world.subscriber.address, None)
    assert answer["transaction"] == order["transaction"]
    assert [event["name"] for event in answer["events"]] == ["TransferSingle", "Ordered"]
    assert answer["events"][1]["arguments"] == {
        "planId": format_plan_id(plan_id),
        "payer": world.subscriber.address,
        "receiver": world.subscriber.address,
        "quantity": "1",
        "cost": str(PRICE),
    }
    shown = [" ".join(line.split()) for line in shell("transaction", order["transaction"]["hash"]).stdout.splitlines()]
    assert {"event Ordered of Credits", "cost 20 USDC", f"payer {world.subscriber.address}"} <= set(shown)


def test_transaction__that_failed__says_why_and_exits_6(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    receipt = world.send_with_gas(world.stranger, world.credits.functions.setPlanActive(plan_id, False), 200_000)
    ran = shell("transaction", f"0x{bytes(receipt['transactionHash']).hex()}", "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["status"], answer["error"]["type"]) == (6, "failed", "NotPlanOwner")


def test_transaction__that_waits__is_pending_and_exits_8(shell: Shell) -> None:
    world = shell.world
    world.chain.ask_development_node("evm_setAutomine", False)  # type: ignore[arg-type]
    try:
        transaction = world.chain.build_transaction(world.builder.address, "0x", world.other.address, 1)
        signed = world.builder.sign_transaction(cast(Any, transaction))
        world.chain.web3.eth.send_raw_transaction(signed.raw_transaction)
        ran = shell("transaction", f"0x{bytes(signed.hash).hex()}", "--json")
        answer = json.loads(ran.stdout)
        assert (ran.exit_code, answer["status"], answer["transaction"]) == (8, "pending", None)
        assert answer["sender"] == world.builder.address
    finally:
        world.chain.ask_development_node("evm_setAutomine", True)  # type: ignore[arg-type]
        world.chain.ask_development_node("evm_mine")


def test_transaction__that_no_node_knows__is_unknown_and_is_not_repeated(shell: Shell) -> None:
    ran = shell("transaction", UNSENT, "--json")
    answer = json.loads(ran.stdout)
    assert (ran.exit_code, answer["status"], answer["hash"]) == (8, "unknown", None)
    shown = shell("transaction", UNSENT)
    assert shown.exit_code == 8
    assert "abab" not in ran.stdout + shown.stdout + shown.stderr


@pytest.mark.parametrize("text", ["0x12", "ab" * 32, "transaction"])
def test_transaction__of_what_is_no_hash__is_refused(shell: Shell, text: str) -> None:
    assert shell("transaction", text, "--json").exit_code == 2


# ---------------------------------------------------------------------- order --name


def test_order__with_a_name__is_paid_once_however_often_it_is_sent(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.fund(world.subscriber)
    before = world.tokens(world.subscriber.address)
    words = ("order", str(plan_id), "--name", "invoice-17", *SUBSCRIBER, "--json")
    first, second = shell(*words).json, shell(*words).json
    assert (first["name"], first["repeated"], second["repeated"]) == ("invoice-17", False, True)
    assert {**second, "repeated": False} == first
    assert first["receivers"] == {world.builder.address: str(PRICE)}
    assert world.tokens(world.subscriber.address) == before - PRICE
    assert world.balance(plan_id, world.subscriber.address) == 100
    shown = shell(*words[:-1])
    assert "the order 'invoice-17' exists already; nothing was sent now" in shown.stdout
    other = shell("order", str(plan_id), "--name", "invoice-18", *SUBSCRIBER, "--json").json
    assert other["repeated"] is False
    assert world.balance(plan_id, world.subscriber.address) == 200


def test_order__with_a_name_and_another_quantity__is_refused_and_nothing_is_sent(shell: Shell) -> None:
    plan_id = shell.world.register()
    shell.world.fund(shell.world.subscriber)
    words = ("order", str(plan_id), "--name", "invoice-17", *SUBSCRIBER, "--json")
    assert shell(*words).exit_code == 0
    state = shell.state(plan_id)
    ran = shell(*words, "--quantity", "2")
    assert (ran.exit_code, ran.error["type"]) == (2, "OrderAlreadyMade")
    assert "Its name stands for a quantity of 1, and this order has a quantity of 2." in ran.error["problem"]
    assert shell.state(plan_id) == state


def test_order__of_a_free_plan__pays_nothing_whatever_the_limit(shell: Shell) -> None:
    plan_id = shell.world.register(token=ZERO, splits=())
    lines = shell("order", str(plan_id), "--max-cost", "20 USDC", *SUBSCRIBER).stdout.splitlines()
    assert lines[1].split() == ["paid", "nothing"]


def test_order__with_a_limit_in_another_unit_than_the_coin__names_the_coin(shell: Shell) -> None:
    error = shell("order", str(shell.world.register(token=ZERO)), "--max-cost", "20 USDC", *SUBSCRIBER, "--json").error
    assert error["problem"] == "--max-cost is in USDC, and the plan's price is in ETH."


def test_order__with_a_name_for_several__is_paid_once(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.fund(world.subscriber)
    more = ("--quantity", "2", "--receiver", world.other.address, "--max-cost", "40 USDC")
    words = ("order", str(plan_id), "--name", "gift", *more, *SUBSCRIBER, "--json")
    assert [shell(*words).json["repeated"] for _ in range(2)] == [False, True]
    assert world.balance(plan_id, world.other.address) == 200


@pytest.mark.parametrize(
    ("changes", "options", "error"),
    [
        ({"token": ZERO}, (), "InvalidConfig"),
        ({"splits": ()}, (), "InvalidConfig"),
        ({}, ("--payment-method", "approve"), "InvalidConfig"),
        ({}, ("--name", ""), "InvalidConfig"),
    ],
)
def test_order__that_cannot_have_a_name__is_refused_and_nothing_is_sent(
    shell: Shell, changes: dict[str, Any], options: tuple[str, ...], error: str
) -> None:
    plan_id = shell.world.register(**changes)
    shell.world.fund(shell.world.subscriber)
    state = shell.state(plan_id)
    ran = shell("order", str(plan_id), "--name", "x", *options, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, error)
    assert shell.state(plan_id) == state


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_order__under_a_blank_name__is_refused_before_any_connection(name: str) -> None:
    ran = run_cli("order", "7", "--name", name, "--rpc", "http://127.0.0.1:1", *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidConfig")
    assert "name of an order" in ran.error["problem"]


def test_order__under_one_name_typed_in_two_ways__is_one_order(shell: Shell) -> None:
    plan_id = shell.world.register()
    shell.world.fund(shell.world.subscriber)
    names = ("caf\u00e9", " cafe\u0301")
    told = [shell("order", str(plan_id), "--name", name, *SUBSCRIBER, "--json").json for name in names]
    assert [(one["name"], one["repeated"]) for one in told] == [("caf\u00e9", False), ("caf\u00e9", True)]


def test_order__with_a_name_a_quantity_and_a_limit_in_the_environment__is_as_it_was_typed(shell: Shell) -> None:
    """They may be there for another command."""
    plan_id = shell.world.register()
    shell.world.fund(shell.world.subscriber)
    exported = {"NVM_CHAIN_NAME": "Basic", "NVM_CHAIN_QUANTITY": "3", "NVM_CHAIN_MAX_COST": "1 USDC"}
    exported["NVM_CHAIN_RECEIVER"] = shell.world.stranger.address
    told = [shell("order", str(plan_id), *SUBSCRIBER, "--json", **exported).json for _ in range(2)]
    assert [(one["name"], one["quantity"], one["repeated"]) for one in told] == [(None, 1, False)] * 2
    assert shell.world.balance(plan_id, shell.world.subscriber.address) == 200


def test_order__of_another_token_with_a_name__is_refused_and_nothing_is_sent(shell: Shell) -> None:
    world = shell.world
    token = world.deploy("HonestToken")
    plan_id = world.register(token=token.address)
    world.fund(world.subscriber, token)
    state = shell.state(plan_id)
    ran = shell("order", str(plan_id), "--name", "x", *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "TokenCannotSign")
    assert shell.state(plan_id) == state


# ---------------------------------------------------------------------- hints


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("faucet", "50"), "AMOUNT '50' has no unit. Write \"50 USDC\"."),
        (("faucet", "50 ETH"), "AMOUNT '50 ETH' is in ETH, which is not accepted here. Write \"50 USDC\"."),
        (
            ("order", "7", "--max-cost", "25"),
            '--max-cost \'25\' has no unit. Write "25 USDC" or "25 ETH" (the native coin).',
        ),
        (
            ("pay", "7", "--max-cost", "much"),
            '--max-cost \'much\' is not an amount. Write "20 USDC" or "20 ETH" (the native coin).',
        ),
    ],
)
def test_hint__of_an_amount__names_what_the_command_takes(shell: Shell, words: tuple[str, ...], hint: str) -> None:
    ran = shell(*words, *SUBSCRIBER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidAmount")
    assert ran.error["message"].startswith(hint)


@pytest.mark.parametrize("text", ["1m", "1M", "3 M", "1min", "1mo", "P1M", "PT1M"])
def test_plan_register__with_a_unit_that_can_be_two__sends_nothing(shell: Shell, text: str) -> None:
    state = shell.state()
    ran = shell("plan", "register", "--price", "20 USDC", "--period", text, *BUILDER, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidAmount")
    assert "month" in ran.error["message"] or "minute" in ran.error["message"]
    assert shell.state() == state


def test_download__of_a_file_of_this_machine__needs_to_be_allowed(shell: Shell) -> None:
    world, plan_id = shell.world, shell.world.register()
    world.grant(plan_id, world.subscriber.address, 5)
    (shell.folder / "here.txt").write_text("hello", "utf-8")
    local = FileEntry((shell.folder / "here.txt").as_uri(), name="greeting.txt")
    uri = build_metadata_uri(replace(FILE_ASSET, files=(local,)))
    asset = Agents(world).register((plan_id, 2, 2), uri=uri)
    words = ("download", str(asset), "greeting.txt", *SUBSCRIBER, "--json")
    error = shell(*words).error
    assert "--allow-file-urls in the shell" in error["problem"]
    assert "Payments" not in error["next_step"]
    assert shell(*words, "--allow-file-urls").json["files"] == ["greeting.txt"]


def test_download__of_a_file_asset__spends_credits_and_keeps_the_file(shell: Shell) -> None:
    world = shell.world
    plan_id = world.register()
    world.grant(plan_id, world.subscriber.address, 5)
    asset = Agents(world).register((plan_id, 2, 2), uri=build_metadata_uri(FILE_ASSET))
    answer = shell("download", str(asset), "greeting.txt", *SUBSCRIBER, "--json").json
    assert (shell.folder / "greeting.txt").read_text("utf-8") == "hello"
    assert answer["files"] == ["greeting.txt"]
    assert len(answer["transaction_hash"]) == 66
    assert world.balance(plan_id, world.subscriber.address) == 3
    again = shell("download", str(asset), "greeting.txt", *SUBSCRIBER, "--json")
    assert again.exit_code == 7
    assert world.balance(plan_id, world.subscriber.address) == 3


# ---------------------------------------------------------------------- ids of another kind


@pytest.mark.parametrize(
    "words",
    [("agent", "show", "PLAN"), ("download", "PLAN", "."), ("agent", "match", "PLAN", "7", "GET", "https://a.b/c")],
)
def test_agent_argument__that_is_the_id_of_a_plan__says_so_in_the_spelling_given(
    shell: Shell, words: tuple[str, ...]
) -> None:
    did = format_did(shell.world.register())
    typed = [did if word == "PLAN" else word for word in words]
    ran = shell(*typed, *(SUBSCRIBER if words[0] == "download" else ()), "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "IdOfAnotherKind")
    assert ran.error["problem"] == f"'{did}' is the id of a plan, not of an agent."
    assert ran.error["next_step"] == "Show it with `nvm-chain plan show`."


PLAN_COMMANDS = {
    "plan show": ("plan", "show", "AGENT"),
    "plan deactivate": ("plan", "deactivate", "AGENT", "--dev-account", "1"),
    "account": ("account", "AGENT", "HOLDER"),
    "access": ("access", "AGENT", "HOLDER"),
    "balance": ("balance", "AGENT", "HOLDER"),
    "lots": ("lots", "AGENT", "HOLDER"),
    "order": ("order", "AGENT", "--dev-account", "2"),
    "mint": ("mint", "AGENT", "HOLDER=1", "--dev-account", "1"),
    "voucher settle": ("voucher", "settle", "AGENT", "--total", "HOLDER=1", "--dev-account", "1"),
}


@pytest.mark.parametrize("words", PLAN_COMMANDS.values(), ids=list(PLAN_COMMANDS))
def test_plan_argument__that_is_the_id_of_an_agent__says_so_and_what_shows_it(
    shell: Shell, words: tuple[str, ...]
) -> None:
    world = shell.world
    agent_id = register_agent(world.chain, world.builder, "https://example.com/agent.json").agent_id
    filled = [word.replace("AGENT", str(agent_id)).replace("HOLDER", world.subscriber.address) for word in words]
    ran = shell(*filled, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "IdOfAnotherKind")
    assert ran.error["problem"] == f"'{agent_id}' is the id of an agent, not of a plan."
    assert ran.error["next_step"] == "Show it with `nvm-chain agent show`, which names its plans."


def test_plan_argument__that_is_the_id_of_nothing__says_that_there_is_no_such_plan(shell: Shell) -> None:
    ran = shell("plan", "show", "987654321", "--json")
    assert (ran.exit_code, ran.error["type"]) == (6, "UnknownPlan")


def test_address_argument__that_is_the_did_of_a_plan__is_not_called_a_key(shell: Shell) -> None:
    did = format_did(shell.world.register())
    ran = shell("account", did, did, "--json")
    assert (ran.exit_code, ran.error["type"]) == (2, "InvalidAddress")
    assert "private key or a hash" in ran.error["problem"]
