"""`nvm-chain deploy` and `check-deployment`: say first, ask, deploy once, and leave no record of what did not happen."""

import json
from pathlib import Path

import pytest
from eth_account import Account

from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.records import read_record
from nvm_chain.operations.deployment import compute_create2_address
from nvm_chain.types.addresses import parse_address
from tests.integration.cli.conftest import ANVIL_CHAIN_ID, Shell
from tests.support.anvil import open_anvil, run_anvil
from tests.support.shell import Ran, run_cli, run_process, run_terminal

RECORD = f"{ANVIL_CHAIN_ID}.json"
AGENTS_RECORD = f"{ANVIL_CHAIN_ID}.AgentRegistry.json"


def deploy(shell: Shell, *arguments: str, typed: str | None = None) -> Ran:
    """Deploy with an account that has not deployed yet, to an empty folder of records."""
    return shell("deploy", "--dev-account", "5", "--deployments", "new", *arguments, typed=typed)


def test_deploy__agreed_to__says_first_what_it_does_and_then_does_it(shell: Shell) -> None:
    deployer = shell.world.chain.accounts[5].address
    address = compute_create2_address(deployer)
    before = shell.world.coins(deployer)
    ran = deploy(shell, typed="y\n")
    plan, _, outcome = ran.stderr.partition("Deploy? [y/N]:")
    record, agents = (read_record(shell.folder / "new" / name) for name in (RECORD, AGENTS_RECORD))
    registry = compute_create2_address(address, "AgentRegistry")
    assert ran.exit_code == 0
    assert "action     deploy Credits and AgentRegistry by CREATE2\n" in plan
    assert f"agents     {registry}\n" in plan
    assert f"address    {address}\n" in plan
    assert f"deployer   {deployer} with " in plan
    assert "cost       " in plan
    assert outcome.splitlines()[-2:] == [
        f"Waiting for transaction {each.transaction_hash}" for each in (record, agents)
    ]
    assert ran.stdout.splitlines()[-7:] == [  # before it may be what was typed, which click's runner repeats
        f"Credits        {address}",
        f"TestUSDC       {shell.world.chain.usdc}",
        f"transaction    {record.transaction_hash}",
        f"record         new/{RECORD}",
        f"AgentRegistry  {registry}",
        f"transaction    {agents.transaction_hash}",
        f"record         new/{AGENTS_RECORD}",
    ]
    assert shell.world.coins(deployer) < before
    assert shell.world.chain.has_code(address)


@pytest.mark.parametrize("typed", ["n\n", ""])
def test_deploy__declined__sends_nothing_and_leaves_no_record(shell: Shell, typed: str) -> None:
    before = shell.state()
    ran = deploy(shell, typed=typed)
    assert ran.exit_code == 1
    assert "Deploy? [y/N]:" in ran.stderr
    assert "Error (Aborted): Stopped by you. Nothing was sent." in ran.stderr
    assert shell.state() == before
    assert not (shell.folder / "new").exists()


def test_deploy__with_nobody_to_ask__sends_nothing_and_asks_for_yes(shell: Shell) -> None:
    before = shell.state()
    ran = run_process("deploy", "--rpc", shell.url, "--dev-account", "5", "--deployments", "new")
    assert ran.exit_code == 2
    assert "Error (InvalidConfig): Nobody answered, and nothing was sent. Give --yes" in ran.stderr
    assert shell.state() == before
    assert not (shell.folder / "new").exists()


def test_deploy__with_json_but_not_yes__sends_nothing_and_leaves_no_record(shell: Shell) -> None:
    before = shell.state()
    ran = deploy(shell, "--json", typed="y\n")
    assert ran.exit_code == 2
    assert ran.error["message"].lower().startswith("--json leaves no room for a question")
    assert shell.state() == before
    assert not (shell.folder / "new").exists()


def test_deploy__in_a_terminal__asks_there(shell: Shell) -> None:
    ran = run_terminal(
        *("deploy", "--dev-account", "5", "--deployments", str(shell.folder / "new")),
        answers={"Deploy?": "y"},
        environment={"NVM_CHAIN_RPC": shell.url},
    )
    assert ran.exit_code == 0, ran.stdout
    assert read_record(shell.folder / "new" / RECORD).address in ran.stdout


def test_deploy__with_json_and_yes__prints_the_record(shell: Shell) -> None:
    owner = shell.world.partner.address
    answer = deploy(shell, "--fee-owner", owner, "--yes", "--json").json
    record = read_record(shell.folder / "new" / RECORD)
    agents = read_record(shell.folder / "new" / AGENTS_RECORD)
    assert answer.pop("agents") == {
        **agents.model_dump(),
        "already_deployed": False,
        "record": f"new/{AGENTS_RECORD}",
    }
    assert answer == {**record.model_dump(), "already_deployed": False, "record": f"new/{RECORD}"}
    assert agents.constructor_arguments == {"credits": record.address}
    assert (record.address, record.method) == (
        compute_create2_address(shell.world.chain.accounts[8].address),
        "CREATE2",
    )
    deployed = shell.world.chain.bind(parse_address(record.address), shell.world.credits.abi)
    assert shell.world.read(deployed.functions.owner()) == owner


def test_deploy__by_plain_create__says_so(shell: Shell) -> None:
    answer = deploy(shell, "--create", "--yes", "--json").json
    assert (answer["method"], answer["salt"]) == ("CREATE", None)
    assert answer["address"] != compute_create2_address(shell.world.chain.accounts[5].address)


@pytest.mark.parametrize("test_usdc", [[], ["--test-usdc"]])
def test_deploy__twice__deploys_once(shell: Shell, test_usdc: list[str]) -> None:
    first = deploy(shell, *test_usdc, "--yes", "--json").json
    before = shell.state()
    second, third = deploy(shell, *test_usdc, "--json"), deploy(shell, *test_usdc)
    assert shell.state() == before
    there = {"already_deployed": True}
    assert second.json == {**first, **there, "agents": {**first["agents"], **there}}
    assert "action     nothing: it is deployed already" in third.stderr.splitlines()
    assert third.stdout.splitlines()[0] == f"Credits        {first['address']} (was there already)"
    assert first["usdc"] == shell.world.chain.usdc  # found at its usual address, asked for or not


def test_deploy__by_another_account__refuses_to_replace_the_record_and_sends_nothing(shell: Shell) -> None:
    before, path = shell.state(), shell.folder / "deployments" / RECORD
    recorded = path.read_text("utf-8")
    ran = shell("deploy", "--dev-account", "4", "--yes", "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "RecordInUse")
    assert ran.error["fields"]["address"] == read_record(path).address
    for way in (f"--fee-owner {shell.world.chain.accounts[0].address}", "--deployments PATH", "--replace-records"):
        assert way in ran.error["next_step"]
    assert (shell.state(), path.read_text("utf-8")) == (before, recorded)


def test_deploy__told_to_replace_the_record__says_so_and_asks(shell: Shell) -> None:
    path = shell.folder / "deployments" / RECORD
    recorded = read_record(path).address
    ran = shell("deploy", "--dev-account", "4", "--replace-records", typed="y\n")
    assert ran.exit_code == 0
    plan = ran.stderr.partition("Deploy? [y/N]:")[0]
    assert f"replaces   the record of Credits {recorded}, which is on this chain\n" in plan
    assert read_record(path).address != recorded


def test_deploy__where_only_test_usdc_is_missing__asks_for_it(tmp_path: Path) -> None:
    with run_anvil() as url:
        where = ("deploy", "--rpc", url, "--dev-account", "0", "--deployments", str(tmp_path))
        assert run_cli(*where, "--yes").exit_code == 0
        before = open_anvil(url).web3.eth.block_number
        declined = run_cli(*where, "--test-usdc", typed="n\n")
        assert "action     deploy TestUSDC, a token for tests\n" in declined.stderr
        assert "Deploy? [y/N]:" in declined.stderr
        assert (declined.exit_code, open_anvil(url).web3.eth.block_number) == (1, before)
        assert read_record(tmp_path / RECORD).usdc is None
        agreed = run_cli(*where, "--test-usdc", typed="y\n")
        assert agreed.exit_code == 0
        assert open_anvil(url).has_code(parse_address(str(read_record(tmp_path / RECORD).usdc)))


def test_deploy__in_a_second_folder__says_that_the_transaction_is_not_recorded_there(shell: Shell) -> None:
    ran = shell("deploy", "--dev-account", "0", "--deployments", "second")
    assert "transaction    unknown: sent before, and this folder has no record of it" in ran.stdout.splitlines()


def test_check_deployment__of_an_earlier_chain__says_so(shell: Shell) -> None:
    with run_anvil() as url:
        for command in (["check-deployment"], ["plan", "list"]):
            ran = shell(*command, "--rpc", url, "--json")
            assert (ran.exit_code, ran.error["type"]) == (4, "NoContract")
            assert "is of an earlier chain with this id" in ran.error["problem"]
            assert ran.error["next_step"].startswith("Deploy again with `nvm-chain deploy`")


def test_deploy__where_the_old_chain_is_gone__does_not_mind_the_old_record(shell: Shell) -> None:
    with run_anvil() as url:
        told = shell("deploy", "--rpc", url, "--dev-account", "0", typed="n\n").stderr
        assert "which an earlier chain with this id had\n" not in told  # the same address, by CREATE2
        ran = shell("deploy", "--rpc", url, "--dev-account", "0", "--test-usdc", "--yes", "--json")
        assert ran.json["already_deployed"] is False
        assert open_anvil(url).has_code(ran.json["usdc"])


@pytest.mark.parametrize(
    ("arguments", "exit_code", "type_name"),
    [
        (["--fee-owner", "0x1234"], 2, "InvalidAddress"),
        (["--network", "embedded"], 2, "InvalidConfig"),
        (["--key-env", "POOR"], 5, "InsufficientCoin"),
        (["--dev-account", "5", "--chain-id", "8453"], 4, "WrongChain"),
        (["--dev-account", "5", "--network", "base:mainnet"], 4, "WrongChain"),
        (["--dev-account", "5", "--network", "base:nothing"], 4, "UnknownNetwork"),
        (["--dev-account", "5", "--rpc", "http://127.0.0.1:9"], 4, "ConnectionFailed"),
    ],
)
def test_deploy__that_cannot_go_on__leaves_no_record(
    shell: Shell, arguments: list[str], exit_code: int, type_name: str
) -> None:
    before = shell.state()
    signer = [] if "--dev-account" in arguments or "--key-env" in arguments else ["--dev-account", "5"]
    rpc = "" if {"embedded", "base:nothing"} & set(arguments) else shell.url
    environment = {"POOR": Account.create().key.hex(), "NVM_CHAIN_RPC": rpc}
    ran = shell("deploy", *arguments, *signer, "--deployments", "new", "--yes", "--json", **environment)
    assert (ran.exit_code, ran.error["type"]) == (exit_code, type_name)
    assert shell.state() == before
    assert not (shell.folder / "new").exists()


def test_deploy__of_a_test_usdc_where_no_development_accounts_are__is_refused(tmp_path: Path) -> None:
    key = derive_dev_accounts()[0].key.hex()
    with run_anvil("--balance", "1") as url:
        ran = run_cli(
            *("deploy", "--rpc", url, "--key-env", "KEY", "--test-usdc", "--yes", "--json"),
            *("--deployments", str(tmp_path)),
            environment={"KEY": key},
        )
        assert open_anvil(url).web3.eth.block_number == 0
    assert ran.exit_code == 2
    assert ran.error["message"].lower().startswith("a testusdc is for development chains, and chain 31337 is not one")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------- check


def test_check_deployment__of_what_was_deployed__is_all_right(shell: Shell) -> None:
    address = deploy(shell, "--yes", "--json").json["address"]
    ran = shell("check-deployment", "--deployments", "new")
    assert ran.exit_code == 0
    first, *lines = ran.stdout.splitlines()
    assert first == f"Credits        {address} on chain {ANVIL_CHAIN_ID}"
    registry = compute_create2_address(parse_address(address), "AgentRegistry")
    assert lines.pop(10) == f"AgentRegistry  {registry} on chain {ANVIL_CHAIN_ID}"
    assert len(lines) == 10 + 11
    assert all(line.startswith("ok             ") for line in lines)


def test_check_deployment__of_a_changed_record__shows_both_sides_and_exits_4(shell: Shell) -> None:
    deploy(shell, "--yes")
    path, wrong = shell.folder / "new" / RECORD, "0x" + "ab" * 32
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, "runtime_code_hash": wrong}), "utf-8")
    ran = shell("check-deployment", "--deployments", "new")
    assert ran.exit_code == 4
    lines = ran.stdout.splitlines()
    place = lines.index("WRONG          code on chain is the recorded code")
    assert lines[place + 1 : place + 3] == [
        f"               expected {wrong}",
        f"               found    {record['runtime_code_hash']}",
    ]
    told = shell("check-deployment", "--deployments", "new", "--json")
    assert told.exit_code == 4
    assert json.loads(told.stdout)["ok"] is False


def test_check_deployment__without_a_record__says_what_to_do(shell: Shell) -> None:
    ran = shell("check-deployment", "--deployments", "nowhere", "--json")
    assert (ran.exit_code, ran.error["type"]) == (4, "NoDeployment")
    assert ran.error["fields"]["folder"] == str(shell.folder / "nowhere")
    assert "--deployments FOLDER/deployments" in ran.error["next_step"]


def test_faucet__in_another_folder__works_after_its_advice_is_followed(shell: Shell) -> None:
    where = ("--dev-account", "2", "--deployments", "other", "--json")
    refused = shell("faucet", "1 USDC", *where)
    assert "`nvm-chain deploy --test-usdc` finds or deploys a TestUSDC" in refused.error["next_step"]
    deployed = shell("deploy", "--dev-account", "0", "--deployments", "other", "--test-usdc", "--yes", "--json")
    taken = shell("faucet", "1 USDC", *where)
    assert deployed.json["usdc"] == taken.json["token"] == shell.world.chain.usdc


def test_order__without_money_on_a_development_chain__names_the_faucet(shell: Shell) -> None:
    sold = shell("plan", "register", "--price", "20 USDC", "--grants", "1", "--dev-account", "1", "--json").json
    payer = shell.world.chain.accounts[7].address
    ran = shell("order", sold["plan_id"], "--dev-account", "7", "--json")
    assert (ran.exit_code, ran.error["type"]) == (5, "InsufficientFunds")
    assert f'`nvm-chain faucet "20 USDC" --to {payer} --dev-account 0`' in ran.error["next_step"]


def test_register__of_a_grant_below_one_request__is_refused_and_can_be_allowed(shell: Shell) -> None:
    terms = ("plan", "register", "--price", "5 USDC", "--grants", "10", "--per-request", "20", "--dev-account", "1")
    before = shell.state()
    refused = shell(*terms, "--json")
    assert (refused.exit_code, refused.error["type"]) == (2, "SuspiciousGrant")
    assert refused.error["fields"] == {"credits": 10, "min_redeem": 20}
    assert "--allow-small-grant" in refused.error["next_step"]
    assert shell.state() == before
    assert shell(*terms, "--allow-small-grant", "--json").json["terms"]["min_redeem"] == 20


@pytest.mark.parametrize("rule", ["redeemer", "holder"])
def test_settle__of_a_total_that_the_rule_does_not_allow__says_what_it_needs(shell: Shell, rule: str) -> None:
    terms = ("--price", "free", "--grants", "9", "--rule", rule)
    sold = shell("plan", "register", *terms, "--dev-account", "1", "--json").json
    holder = shell.world.chain.accounts[2].address
    ran = shell("voucher", "settle", sold["plan_id"], "--total", f"{holder}=5", "--dev-account", "1")
    assert ran.exit_code == 6
    assert f"next         the plan's rule is {rule}, and a --total needs a" in ran.stdout
    assert ("set-redeemer" in ran.stdout) == (rule == "redeemer")


@pytest.mark.parametrize("missing", [RECORD, AGENTS_RECORD])
def test_deploy__where_one_record_is_lost__writes_it_again_and_sends_nothing(shell: Shell, missing: str) -> None:
    first = deploy(shell, "--yes", "--json").json
    (shell.folder / "new" / missing).unlink()
    before = shell.state()
    second = deploy(shell, "--yes", "--json").json
    assert shell.state() == before
    assert (second["address"], second["agents"]["address"]) == (first["address"], first["agents"]["address"])
    assert read_record(shell.folder / "new" / missing).transaction_hash is None


def test_check_deployment__of_a_changed_registry__exits_4(shell: Shell) -> None:
    deploy(shell, "--yes")
    path = shell.folder / "new" / AGENTS_RECORD
    record = json.loads(path.read_text("utf-8"))
    other = {"credits": shell.world.usdc.address}
    path.write_text(json.dumps({**record, "constructor_arguments": other}), "utf-8")
    ran = shell("check-deployment", "--deployments", "new", "--json")
    told = json.loads(ran.stdout)
    assert (ran.exit_code, told["ok"], told["agents"]["ok"]) == (4, True, False)
    wrong = {check["name"] for check in told["agents"]["checks"] if not check["ok"]}
    assert "its Credits is the recorded one" in wrong
