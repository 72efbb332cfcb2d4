"""What cannot work: each a typed error with its exit code, and nothing half done."""

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_account import Account

from nvm_chain.errors.formatting import format_plan_id
from tests.integration.cli.conftest import ANVIL_CHAIN_ID, Shell
from tests.support.anvil import run_anvil
from tests.support.shell import run_cli, run_process
from tests.support.world import FUNDS, PRICE, ZERO

UNKNOWN = format_plan_id(7)
SOMEBODY = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
MISTYPED = "0x70997970C51812dc3A010C7d01b50e0d17dc79c8"
NOBODY = "0x" + "11" * 20
NO_UNIT = {
    "reason": "has no unit",
    "advice": 'write "20 USDC" or "20 ETH" (the native coin), or for other tokens give base units and the token\'s address: '
    "--price-base-units N --token ADDRESS",
}
CORRECT = {"advice": "Correct it. Nothing was sent"}
GIVE_TEXT = {"advice": "give text such as '20' or '0.5'"}


@dataclass(frozen=True)
class Case:
    """A command that must fail; words in capitals stand for what the fixture `words` says."""

    name: str
    command: list[str]
    exit_code: int
    type: str
    fields: dict[str, Any] = field(default_factory=dict)
    signer: int | None = 2


def register(*price: str) -> list[str]:
    """Return a registration at a price."""
    return ["plan", "register", *price, "--grants", "100"]


SHORT_OF_CREDITS = {"plan_id": "PLAN", "holder": "SUBSCRIBER", "available": 9, "required": 10}
CASES = (
    Case(
        "wrong address, a mistyped checksum",
        ["balance", "PLAN", MISTYPED],
        2,
        "InvalidAddress",
        {"name": "HOLDER", "value": MISTYPED, "reason": "has a wrong checksum, so at least one character is mistyped"},
        signer=None,
    ),
    Case(
        "wrong address, too short",
        ["mint", "PLAN", "0x7099=5"],
        2,
        "InvalidAddress",
        {"name": "RECEIVER=CREDITS", "value": "0x7099", "reason": "is not 0x and 40 hexadecimal digits"},
    ),
    Case(
        "wrong address, zero",
        ["order", "PLAN", "--receiver", ZERO],
        2,
        "InvalidAddress",
        {"name": "--receiver", "value": ZERO, "reason": "is the zero address, which nobody owns"},
    ),
    Case(
        "wrong address, a pair without its half",
        ["mint", "PLAN", SOMEBODY],
        2,
        "InvalidConfig",
        {"reason": f"RECEIVER=CREDITS '{SOMEBODY}' is not RECEIVER=CREDITS, such as 0x…=10", **CORRECT},
    ),
    Case(
        "wrong decimals, a bare number",
        register("--price", "20"),
        2,
        "InvalidAmount",
        {"value": "--price '20'", **NO_UNIT},
    ),
    Case(
        "wrong decimals, seven of them",
        register("--price", "0.1234567 USDC"),
        2,
        "InvalidAmount",
        {"value": "'0.1234567'", "reason": "has more than the token's 6 decimals", **CORRECT},
    ),
    Case(
        "wrong decimals, a comma",
        register("--price", "1,5 USDC"),
        2,
        "InvalidAmount",
        {"value": "'1,5'", "reason": "is not a plain decimal number", **GIVE_TEXT},
    ),
    Case(
        "wrong decimals, 20 base units where 20 USDC were meant",
        register("--price-base-units", "20", "--token", "TOKEN"),
        2,
        "SuspiciousPrice",
        {"amount": "20", "decimals": 6, "symbol": "USDC"},
    ),
    Case(
        "a currency that nobody knows",
        register("--price", "20 EUR"),
        2,
        "InvalidAmount",
        {"value": "--price '20 EUR'", **NO_UNIT, "reason": "is in EUR, which is not accepted here"},
    ),
    Case(
        "base units of nothing",
        register("--price-base-units", "20"),
        2,
        "InvalidConfig",
        {"reason": "the token of the base units is missing", "advice": "give --token ADDRESS with --price-base-units"},
    ),
    Case(
        "no price",
        register(),
        2,
        "InvalidConfig",
        {
            "reason": "the price is missing",
            "advice": 'give --price "20 USDC", --price free, --split ADDRESS="15 USDC", --quoter ADDRESS or --paid-externally',
        },
    ),
    Case(
        "two prices",
        register("--price", "20 USDC", "--price-base-units", "20", "--token", "TOKEN"),
        2,
        "InvalidConfig",
        {"reason": "the price is given twice", "advice": "give --price, or --price-base-units with --token"},
    ),
    Case(
        "splits that do not add up",
        register("--price", "20 USDC", "--split", f"{SOMEBODY}=19 USDC"),
        2,
        "InvalidConfig",
        {"reason": "the splits add up to 19 USDC, and the price is 20 USDC", **CORRECT},
    ),
    Case(
        "splits in two currencies",
        register("--split", f"{SOMEBODY}=19 USDC", "--split", f"{NOBODY}=1 ETH"),
        2,
        "InvalidConfig",
        {"reason": "a price is in one unit, not in ETH and USDC", **CORRECT},
    ),
    Case(
        "a free plan with a split",
        register("--price", "free", "--split", f"{SOMEBODY}=19 USDC"),
        2,
        "InvalidConfig",
        {"reason": "a free plan has no price to split", "advice": "leave out --split"},
    ),
    Case(
        "no funds",
        ["order", "PLAN", "--quantity", "51"],
        5,
        "InsufficientFunds",
        {"token": "TOKEN", "payer": "SUBSCRIBER", "balance": str(FUNDS), "required": str(51 * PRICE)},
    ),
    Case(
        "no allowance",
        ["order", "PLAN", "--quantity", "2", "--payment-method", "allowance"],
        5,
        "InsufficientAllowance",
        {
            "token": "TOKEN",
            "payer": "SUBSCRIBER",
            "spender": "CREDITS",
            "allowance": str(PRICE),
            "required": str(2 * PRICE),
        },
    ),
    Case("unknown plan, order", ["order", UNKNOWN], 6, "UnknownPlan", {"plan_id": UNKNOWN}),
    Case("unknown plan, balance", ["balance", UNKNOWN, SOMEBODY], 6, "UnknownPlan", {"plan_id": UNKNOWN}, signer=None),
    Case("no plan id at all", ["order", "0x12G"], 2, "InvalidPlanId", {"value": "0x12G"}),
    Case("inactive plan", ["order", "INACTIVE"], 6, "PlanNotActive", {"plan_id": "INACTIVE"}),
    Case(
        "over-redemption, more than a request may take",
        ["redeem", "PLAN", "11"],
        6,
        "RedeemOutOfRange",
        {"plan_id": "PLAN", "amount": 11, "min_redeem": 1, "max_redeem": 10},
    ),
    Case("over-redemption, more than there is", ["redeem", "PLAN", "10"], 6, "InsufficientCredits", SHORT_OF_CREDITS),
    Case("over-burning", ["burn", "PLAN", "10"], 6, "InsufficientCredits", SHORT_OF_CREDITS),
    Case(
        "a stranger redeems",
        ["redeem", "PLAN", "1", "--holder", "SUBSCRIBER"],
        6,
        "RedeemNotAllowed",
        {"plan_id": "PLAN", "holder": "SUBSCRIBER", "caller": "STRANGER"},
        signer=3,
    ),
    Case(
        "a stranger mints",
        ["mint", "PLAN", f"{SOMEBODY}=1"],
        6,
        "NotMinter",
        {"plan_id": "PLAN", "caller": "STRANGER"},
        signer=3,
    ),
    Case(
        "a stranger closes the plan",
        ["plan", "deactivate", "PLAN"],
        6,
        "NotPlanOwner",
        {"plan_id": "PLAN", "caller": "STRANGER"},
        signer=3,
    ),
    Case(
        "a limit below the cost",
        ["order", "PLAN", "--max-cost", "19.999999 USDC"],
        6,
        "CostAboveMax",
        {"cost": str(PRICE), "max_cost": str(PRICE - 1)},
    ),
    Case(
        "wrong chain",
        ["order", "PLAN", "--chain-id", "84532"],
        4,
        "WrongChain",
        {"expected": 84532, "actual": ANVIL_CHAIN_ID},
    ),
    Case(
        "wrong chain under a known name",
        ["order", "PLAN", "--network", "base:sepolia"],
        4,
        "WrongChain",
        {"expected": 84532, "actual": ANVIL_CHAIN_ID},
    ),
    Case(
        "dead RPC",
        ["order", "PLAN", "--rpc", "http://user:pass@127.0.0.1:9/key?secret=1"],
        4,
        "ConnectionFailed",
        {"url": "http://127.0.0.1:9", "reason": "connection refused or host not found"},
    ),
    Case(
        "no contract at the address",
        ["order", "PLAN", "--credits", NOBODY],
        4,
        "NoContract",
        {"address": NOBODY, "chain_id": ANVIL_CHAIN_ID},
    ),
    Case(
        "no record",
        ["order", "PLAN", "--deployments", "nowhere"],
        4,
        "NoDeployment",
        {"chain_id": ANVIL_CHAIN_ID, "contract": "Credits", "folder": "NOWHERE"},
    ),
    Case(
        "a context that is too long", ["redeem", "PLAN", "1", "--context", "x" * 33], 2, "InvalidContext", {"size": 33}
    ),
    Case(
        "a faucet for coins",
        ["faucet", "1 ETH"],
        2,
        "InvalidAmount",
        {"value": "AMOUNT '1 ETH'", "reason": "is in ETH, which is not accepted here", "advice": 'write "1 USDC"'},
    ),
    Case(
        "a development account too many",
        ["burn", "PLAN", "1"],
        3,
        "KeyFailure",
        {
            "source": "--dev-account 10",
            "reason": "there is no such account",
            "advice": "give 0 to 9",
        },
        signer=10,
    ),
    Case("a missing argument", ["burn"], 2, "MissingParameter"),
    Case("an unknown option", ["burn", "PLAN", "1", "--no-such-option"], 2, "NoSuchOption"),
    Case("no number", ["burn", "PLAN", "many"], 2, "BadParameter"),
    Case("nobody signs", ["burn", "PLAN", "1"], 2, "UsageError", signer=None),
)


@pytest.fixture
def words(shell: Shell) -> dict[str, str]:
    """A world where the subscriber has 1,000 USDC, has approved one price, and has 9 credits of PLAN."""
    world = shell.world
    plan_id, inactive = world.register(), world.register()
    world.fund(world.subscriber)
    world.send(world.subscriber, world.usdc.functions.approve(world.credits.address, PRICE))
    world.grant(plan_id, world.subscriber.address, 9)
    world.send(world.builder, world.credits.functions.setPlanActive(inactive, False))
    return {
        "NOWHERE": str(shell.folder / "nowhere"),
        "PLAN": format_plan_id(plan_id),
        "INACTIVE": format_plan_id(inactive),
        "SUBSCRIBER": world.subscriber.address,
        "STRANGER": world.stranger.address,
        "TOKEN": world.usdc.address,
        "CREDITS": world.credits.address,
    }


def fill(case: Case, words: dict[str, str]) -> list[str]:
    """Return a case's command with words filled in and its signer behind."""
    signer = [] if case.signer is None else ["--dev-account", str(case.signer)]
    return [words.get(word, word) for word in case.command] + signer


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_error__of_each_kind__is_typed_and_one_line_and_leaves_nothing_half_done(
    shell: Shell, words: dict[str, str], case: Case
) -> None:
    before = shell.state(int(words["PLAN"], 16))
    told, shown = shell(*fill(case, words), "--json"), shell(*fill(case, words))
    assert (told.exit_code, told.error["type"]) == (case.exit_code, case.type)
    assert told.error["fields"] == {key: words.get(str(value), value) for key, value in case.fields.items()}
    assert (shown.exit_code, shown.stdout) == (case.exit_code, "")
    lines = shown.stderr.splitlines()
    link = told.error["link"]
    assert lines[-1] == f"See `{link}`." or f"See `{link}`." in told.error["next_step"]
    assert f"Error ({case.type}): {told.error['message']}" in lines[-2:]
    assert told.error["message"] == " ".join(filter(None, (told.error["problem"], told.error["next_step"])))
    assert shown.stderr.count("Error (") == 1
    assert shell.state(int(words["PLAN"], 16)) == before


def test_error__without_coin_for_gas__is_a_matter_of_funds(shell: Shell) -> None:
    world, poor = shell.world, Account.create()
    plan_id = world.register()
    world.grant(plan_id, poor.address, 5)
    before = shell.state(plan_id)
    ran = shell("burn", str(plan_id), "5", "--key-env", "POOR", "--json", POOR=poor.key.hex())
    fields = ran.error["fields"]
    assert (ran.exit_code, ran.error["type"]) == (5, "InsufficientCoin")
    assert (fields["account"], fields["balance"]) == (poor.address, "0")
    assert int(fields["required"]) > 0
    assert ran.error["problem"].endswith(" for value and gas, but has 0 ETH.")
    assert shell.state(plan_id) == before
    assert world.balance(plan_id, poor.address) == 5


@pytest.mark.parametrize(("name", "shown"), [("base:sepola", "base:sepola"), ("base:s3cret-key", "…")])
def test_error__of_an_unknown_network__names_those_there_are(shell: Shell, name: str, shown: str) -> None:
    ran = shell("order", "7", "--network", name, "--dev-account", "2", "--json", NVM_CHAIN_RPC="")
    assert ran.exit_code == 4
    assert ran.error["fields"] == {"name": shown, "known": ["embedded", "base:sepolia", "base:mainnet"]}


def test_error__without_a_chain__asks_which(shell: Shell) -> None:
    ran = shell("balance", "7", SOMEBODY, NVM_CHAIN_RPC="")
    assert ran.exit_code == 2
    question = "Which chain? Give --rpc URL or --network NAME, or set NVM_CHAIN_RPC."
    assert ran.stderr == f"Error (UsageError): {question} See `nvm-chain balance --help`.\n"


@pytest.mark.parametrize(
    "url", ["localhost:8545/KEY", "ftp://node/KEY", "http:///KEY", "http://node:port/KEY", "http://[::1/KEY"]
)
def test_error__of_a_malformed_url__does_not_repeat_it(shell: Shell, url: str) -> None:
    ran = shell("balance", "7", SOMEBODY, "--rpc", url)
    assert ran.exit_code == 2
    assert ran.stderr.startswith(
        "Error (BadParameter): Invalid value for '--rpc': it is not an http or https URL of a node"
    )
    assert "KEY" not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (
            ["order", "PLAN", "--quantity", "2", "--payment-method", "allowance"],
            "or order with --payment-method approve.",
        ),
        (
            ["order", "PLAN", "--max-cost", "1 USDC"],
            "costs 20 USDC, but you allowed at most 1 USDC. Raise --max-cost if you agree.",
        ),
        (
            ["order", "PLAN", "--quantity", "51"],
            ' USDC" --to 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC --dev-account 0`.',
        ),
        (
            ["mint", "PLAN", f"{SOMEBODY}=1"],
            "to allow 0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC with `nvm-chain plan set-minter`.",
        ),
        (
            ["redeem", "PLAN", "1", "--holder", SOMEBODY],
            "to sign a voucher, which a redeemer settles with `nvm-chain voucher settle`.",
        ),
        (
            register("--price-base-units", "20", "--token", "TOKEN"),
            "give 20 * 10**6 base units. If the price is right, allow it with --allow-tiny-price.",
        ),
    ],
)
def test_error__whose_message_is_for_programmers__says_it_for_a_shell(
    shell: Shell, words: dict[str, str], command: list[str], advice: str
) -> None:
    ran = shell(*[words.get(word, word) for word in command], "--dev-account", "2", "--json")
    assert ran.error["message"].endswith(advice)


def test_error__of_missing_test_money__names_a_command_that_works_as_printed(shell: Shell) -> None:
    plan_id = shell.world.register()
    words = ("order", str(plan_id), "--rpc", shell.url, "--deployments", "deployments", "--dev-account", "5", "--json")
    error = run_cli(*words).error
    command = error["next_step"].partition("`")[2].partition("`")[0]
    assert f"--dev-account 0 --rpc {shell.url} --deployments deployments" in command
    assert run_cli(*shlex.split(command)[1:]).exit_code == 0
    assert run_cli(*words).exit_code == 0


def test_error__of_missing_test_money__does_not_repeat_an_access_key(shell: Shell) -> None:
    plan_id, url = shell.world.register(), f"{shell.url}/?key=secretsecretsecretsecret"
    error = run_cli("order", str(plan_id), "--rpc", url, "--dev-account", "5", "--json").error
    assert "secretsecret" not in json.dumps(error)
    assert "--rpc URL" in error["next_step"]


def test_error__of_another_chain_in_the_environment__names_the_variable(shell: Shell) -> None:
    error = shell("plan", "show", "7", "--network", "base:sepolia", "--json").error
    assert error["type"] == "WrongChain"
    assert "The node is from NVM_CHAIN_RPC, and --network names base:sepolia." in error["problem"]
    typed = run_cli("plan", "show", "7", "--rpc", shell.url, "--network", "base:sepolia", "--json").error
    assert "NVM_CHAIN_RPC" not in typed["message"]


def test_error__of_an_unreadable_record__names_the_file(shell: Shell) -> None:
    path = shell.folder / "deployments" / f"{ANVIL_CHAIN_ID}.json"
    path.write_text("{", "utf-8")
    ran = shell("balance", "7", SOMEBODY, "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "InvalidRecord")
    assert ran.error["fields"]["path"] == f"deployments/{ANVIL_CHAIN_ID}.json"


def test_error__of_a_record_whose_chain_is_gone__says_to_deploy_first(shell: Shell) -> None:
    with run_anvil() as url:
        ran = shell("balance", "7", SOMEBODY, "--rpc", url, "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "NoContract")
    assert ran.error["fields"] == {"address": shell.world.credits.address, "chain_id": ANVIL_CHAIN_ID}


@pytest.mark.parametrize(
    ("arguments", "exit_code", "type_name"),
    [
        (["--version"], 0, None),
        (["balance", UNKNOWN], 2, "MissingParameter"),
        (["burn", UNKNOWN, "1", "--key-env", "NOT_SET"], 3, "KeyFailure"),
        (["balance", UNKNOWN, SOMEBODY, "--chain-id", "1"], 4, "WrongChain"),
        (["order", "PLAN", "--quantity", "51", "--dev-account", "2"], 5, "InsufficientFunds"),
        (["balance", UNKNOWN, SOMEBODY], 6, "UnknownPlan"),
    ],
)
def test_process__ends_with_the_exit_code__and_nothing_but_json_on_stdout(
    shell: Shell, words: dict[str, str], arguments: list[str], exit_code: int, type_name: str | None
) -> None:
    filled = [words.get(word, word) for word in arguments]
    ran = run_process(*filled, *(["--json"] if type_name else []), environment=shell.environment)
    assert ran.exit_code == exit_code
    assert "Traceback" not in ran.stderr
    if type_name is not None:
        assert ran.stderr == ""
        assert json.loads(ran.stdout)["error"]["type"] == type_name
