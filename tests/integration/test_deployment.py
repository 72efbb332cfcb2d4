"""Deployment from Python: both methods, twice, without funds, on the wrong chain; and checks that notice a change."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from eth_account import Account
from web3.types import RPCEndpoint

from nvm_chain.chain.artifacts import read_artifact
from nvm_chain.chain.client import Chain, open_rpc
from nvm_chain.chain.connecting import connect
from nvm_chain.chain.embedded import USDC, is_test_usdc, open_embedded
from nvm_chain.chain.records import DeploymentRecord, read_record, record_path
from nvm_chain.errors import (
    DeploymentMismatch,
    InsufficientCoin,
    NoContract,
    NoDeployment,
    PendingTransactions,
    RecordInUse,
    RecordNotWritable,
    WrongChain,
)
from nvm_chain.operations.deployment import (
    CREATE2_PROXY,
    DeploymentPlan,
    check_deployment,
    compute_create2_address,
    deploy_contracts,
    describe_plan,
    find_or_deploy_usdc,
    plan_deployment,
)
from nvm_chain.types.addresses import parse_address
from tests.support.anvil import open_anvil, run_anvil
from tests.support.odd_node import SEND, Forward, OddNode, Reply, run_odd_node
from tests.support.reverts import reverts


@pytest.fixture(scope="module")
def anvil_url() -> Iterator[str]:
    with run_anvil() as url:
        yield url


@pytest.fixture
def anvil(anvil_url: str) -> Iterator[Chain]:
    chain = open_anvil(anvil_url)
    snapshot = rpc(chain, "evm_snapshot", [])["result"]
    yield chain
    rpc(chain, "evm_revert", [snapshot])


def rpc(chain: Chain, method: str, parameters: list[object]) -> Any:
    """Ask anvil for something that is not Ethereum's."""
    return chain.web3.provider.make_request(RPCEndpoint(method), parameters)


def deploy(chain: Chain, folder: Path, *, create2: bool = True) -> tuple[DeploymentPlan, DeploymentRecord]:
    signer = chain.accounts[0]
    plan = plan_deployment(chain, signer.address, signer.address, create2=create2, folder=folder)
    return plan, deploy_contracts(chain, signer, plan, folder=folder).credits


def test_deploy__where_the_proxy_is__uses_create2_at_the_computed_address(anvil: Chain, tmp_path: Path) -> None:
    plan, record = deploy(anvil, tmp_path)
    assert plan.method == record.method == "CREATE2"
    assert plan.address == record.address == compute_create2_address(anvil.accounts[0].address)
    assert CREATE2_PROXY in plan.reason
    assert all(check.ok for check in check_deployment(anvil, record))
    assert read_record(record_path(anvil.chain_id, tmp_path)) == record


def test_deploy__without_the_proxy__uses_create_and_says_so(tmp_path: Path) -> None:
    chain = open_embedded()
    plan, record = deploy(chain, tmp_path)
    assert (plan.method, plan.address, record.salt) == ("CREATE", None, None)
    assert "no deterministic-deployment proxy" in dict(describe_plan(plan))["why"]
    assert all(check.ok for check in check_deployment(chain, record))


@pytest.mark.parametrize("create2", [True, False])
def test_deploy__twice__sends_once_and_keeps_the_record(anvil: Chain, tmp_path: Path, create2: bool) -> None:
    _, first = deploy(anvil, tmp_path, create2=create2)
    nonce = anvil.web3.eth.get_transaction_count(anvil.accounts[0].address)
    plan, second = deploy(anvil, tmp_path, create2=create2)
    assert plan.already_deployed
    assert plan.gas == plan.max_cost_wei == 0
    assert second == first
    assert anvil.web3.eth.get_transaction_count(anvil.accounts[0].address) == nonce


def test_deploy__where_only_credits_is__deploys_the_registry_alone(anvil: Chain, tmp_path: Path) -> None:
    _, first = deploy(anvil, tmp_path)
    path = record_path(anvil.chain_id, tmp_path, "AgentRegistry")
    registry = read_record(path)
    rpc(anvil, "anvil_setCode", [registry.address, "0x"])
    rpc(anvil, "anvil_setNonce", [registry.address, "0x0"])
    path.unlink()
    nonce = anvil.web3.eth.get_transaction_count(anvil.accounts[0].address)
    plan, second = deploy(anvil, tmp_path)
    assert (plan.credits_deployed, plan.agents_deployed, plan.already_deployed) == (True, False, False)
    assert second == first
    assert read_record(path).address == plan.agents_address == registry.address
    assert anvil.web3.eth.get_transaction_count(anvil.accounts[0].address) == nonce + 1


def test_connect__finds_the_recorded_registry_of_the_credits_in_use(
    anvil: Chain, anvil_url: str, tmp_path: Path
) -> None:
    _, record = deploy(anvil, tmp_path)
    registry = read_record(record_path(anvil.chain_id, tmp_path, "AgentRegistry")).address
    assert connect(anvil_url, records=tmp_path).agents.address == registry
    assert (
        connect(anvil_url, credits=record.address, agents=registry, records=tmp_path / "none").agents.address
        == registry
    )
    _, another = deploy(anvil, tmp_path / "another", create2=False)
    with reverts(NoDeployment(anvil.chain_id, "AgentRegistry", str(tmp_path.absolute()))):
        _ = connect(anvil_url, credits=another.address, records=tmp_path).agents
    with pytest.raises(DeploymentMismatch):
        connect(anvil_url, credits=another.address, agents=registry)


def test_deploy__by_somebody_else_before__is_adopted_without_a_transaction(anvil: Chain, tmp_path: Path) -> None:
    deploy(anvil, tmp_path / "theirs")
    _, record = deploy(anvil, tmp_path / "ours")
    assert (record.block_number, record.transaction_hash, record.deployer) == (None, None, None)
    assert all(check.ok for check in check_deployment(anvil, record))


def test_deploy__without_funds__says_how_much_and_leaves_no_record(anvil: Chain, tmp_path: Path) -> None:
    poor = Account.create()
    plan = plan_deployment(anvil, poor.address, poor.address, folder=tmp_path)
    with reverts(InsufficientCoin(poor.address, 0, plan.max_cost_wei)):
        deploy_contracts(anvil, poor, plan, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_plan__costs_at_least_what_the_deployment_then_used(anvil: Chain, tmp_path: Path) -> None:
    plan, record = deploy(anvil, tmp_path)
    agents = read_record(record_path(anvil.chain_id, tmp_path, "AgentRegistry"))
    used = [anvil.read_transaction(str(each.transaction_hash)) for each in (record, agents)]
    assert 0 < sum(each.gas_used or 0 for each in used) <= plan.gas
    assert 0 < sum(each.fee_wei or 0 for each in used) <= plan.max_cost_wei


def test_connect__finds_the_recorded_deployment(anvil: Chain, anvil_url: str, tmp_path: Path) -> None:
    _, record = deploy(anvil, tmp_path)
    assert connect(anvil_url, records=tmp_path).credits.address == record.address


def test_connect__with_a_record_of_a_chain_that_is_gone__says_no_contract(
    anvil: Chain, anvil_url: str, tmp_path: Path
) -> None:
    snapshot = rpc(anvil, "evm_snapshot", [])["result"]
    _, record = deploy(anvil, tmp_path)
    rpc(anvil, "evm_revert", [snapshot])
    with pytest.raises(NoContract) as caught:
        connect(anvil_url, records=tmp_path)
    assert caught.value.args == (record.address, anvil.chain_id)
    assert f"The record {record_path(anvil.chain_id, tmp_path)} names it, so it is of an earlier chain" in str(
        caught.value
    )
    assert caught.value.next_step.startswith("Deploy again")


def test_connect__to_an_address_without_code__does_not_blame_a_record(
    anvil: Chain, anvil_url: str, tmp_path: Path
) -> None:
    deploy(anvil, tmp_path)
    with pytest.raises(NoContract) as caught:
        connect(anvil_url, credits="0x" + "11" * 20, records=tmp_path)
    assert "record" not in str(caught.value)


def test_connect__to_another_chain_than_expected__is_refused(anvil_url: str) -> None:
    with reverts(WrongChain(84532, 31337)):
        connect("base:sepolia", rpc_url=anvil_url)


@pytest.mark.parametrize(
    ("field", "value", "noticed"),
    [
        ("runtime_code_hash", "0x" + "11" * 32, "code on chain is the recorded code"),
        ("block_number", 10**6, "block"),
        ("deployer", "0x" + "22" * 20, "deployer"),
        ("chain_id", 5, "chain id"),
        ("constructor_arguments", {"feeOwner": "0x" + "33" * 20}, "creation code and constructor arguments"),
        ("compiler", {"version": "0.8.36"}, "compiler and settings"),
    ],
)
def test_check_deployment__of_a_changed_record__notices(
    anvil: Chain, tmp_path: Path, field: str, value: object, noticed: str
) -> None:
    _, record = deploy(anvil, tmp_path)
    checks = check_deployment(anvil, record.model_copy(update={field: value}))
    assert noticed in [check.name for check in checks if not check.ok]


def test_deploy__where_other_code_stands_at_the_address__refuses_and_leaves_no_record(
    anvil: Chain, tmp_path: Path
) -> None:
    address = compute_create2_address(anvil.accounts[0].address)
    rpc(anvil, "anvil_setCode", [address, "0x00"])
    with pytest.raises(DeploymentMismatch):
        deploy(anvil, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_deploy__where_no_record_can_be_written__deploys_nothing(anvil: Chain, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nonce = anvil.web3.eth.get_transaction_count(anvil.accounts[0].address)
    with pytest.raises(RecordNotWritable):
        deploy(anvil, tmp_path / "file" / "records")
    assert anvil.web3.eth.get_transaction_count(anvil.accounts[0].address) == nonce


def test_deploy__by_create_while_another_is_not_mined__is_refused(anvil: Chain, tmp_path: Path) -> None:
    deployer = anvil.accounts[0]
    rpc(anvil, "evm_setAutomine", [False])
    try:
        transaction = anvil.build_transaction(deployer.address, "0x", anvil.accounts[1].address)
        anvil.web3.eth.send_raw_transaction(deployer.sign_transaction(cast(Any, transaction)).raw_transaction)
        with reverts(PendingTransactions(deployer.address, 1)):
            deploy(anvil, tmp_path, create2=False)
    finally:
        rpc(anvil, "evm_setAutomine", [True])
        rpc(anvil, "evm_mine", [])
    assert list(tmp_path.iterdir()) == []


def test_check_deployment__of_a_record_with_another_address__notices(anvil: Chain, tmp_path: Path) -> None:
    _, ours = deploy(anvil, tmp_path / "ours", create2=False)
    _, theirs = deploy(anvil, tmp_path / "theirs", create2=False)
    checks = check_deployment(anvil, ours.model_copy(update={"address": theirs.address}))
    assert [check.name for check in checks if not check.ok] == ["address that the transaction created"]


def test_find_or_deploy_usdc__twice__deploys_one(anvil: Chain, tmp_path: Path) -> None:
    signer = anvil.accounts[0]
    first = find_or_deploy_usdc(anvil, signer, tmp_path)
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path)
    deploy_contracts(anvil, signer, plan, folder=tmp_path, usdc=first)
    assert find_or_deploy_usdc(anvil, signer, tmp_path) == first


def test_find_or_deploy_usdc__in_another_folder__finds_the_one_at_the_usual_address(
    anvil: Chain, tmp_path: Path
) -> None:
    first = find_or_deploy_usdc(anvil, anvil.accounts[0], tmp_path / "first")
    before = anvil.web3.eth.block_number
    assert find_or_deploy_usdc(anvil, anvil.accounts[1], tmp_path / "second") == first == USDC
    assert anvil.web3.eth.block_number == before


@pytest.mark.parametrize("code", ["0x", "0x00", "0x" + read_artifact("Credits").runtime_code.hex()])
def test_find_or_deploy_usdc__where_another_contract_has_the_usual_address__deploys_one(
    anvil: Chain, tmp_path: Path, code: str
) -> None:
    rpc(anvil, "anvil_setCode", [USDC, code])
    found = find_or_deploy_usdc(anvil, anvil.accounts[0], tmp_path)
    assert (found == USDC) == (code == "0x")
    assert anvil.has_code(parse_address(found))


def test_deploy_contracts__in_another_folder__records_the_test_usdc_that_it_finds(anvil: Chain, tmp_path: Path) -> None:
    found = find_or_deploy_usdc(anvil, anvil.accounts[0], tmp_path)
    _, record = deploy(anvil, tmp_path / "other")
    assert record.usdc == found


def read_nonce(chain: Chain, account: int) -> int:
    return chain.web3.eth.get_transaction_count(chain.accounts[account].address)


@pytest.mark.parametrize("create2", [True, False])
def test_plan_deployment__where_another_credits_is_recorded__refuses_and_names_the_ways_out(
    anvil: Chain, tmp_path: Path, create2: bool
) -> None:
    _, record = deploy(anvil, tmp_path)
    signer = anvil.accounts[4]
    with pytest.raises(RecordInUse) as caught:
        plan_deployment(anvil, signer.address, signer.address, create2=create2, folder=tmp_path)
    error = caught.value
    assert (error.path, error.contract, error.address) == (
        str(record_path(anvil.chain_id, tmp_path)),
        "Credits",
        record.address,
    )
    for way in (f"`fee_owner` {anvil.accounts[0].address}", "`folder=path`", "`replace_records=True`"):
        assert way in error.next_step
    kept = plan_deployment(anvil, signer.address, anvil.accounts[0].address, create2=create2, folder=tmp_path)
    assert (kept.address, kept.sends_nothing, kept.replaced) == (record.address, True, ())


def test_plan_deployment__where_a_plain_create_is_recorded__names_that_way_too(anvil: Chain, tmp_path: Path) -> None:
    deploy(anvil, tmp_path, create2=False)
    with pytest.raises(RecordInUse) as caught:
        deploy(anvil, tmp_path)
    assert "give `create2=False`" in caught.value.next_step
    assert "fee_owner" not in caught.value.next_step


def test_deploy_contracts__into_a_folder_that_the_plan_did_not_see__sends_nothing(anvil: Chain, tmp_path: Path) -> None:
    _, record = deploy(anvil, tmp_path / "used")
    signer, before = anvil.accounts[4], read_nonce(anvil, 4)
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path / "new", test_usdc=True)
    with pytest.raises(RecordInUse):
        deploy_contracts(anvil, signer, plan, folder=tmp_path / "used")
    assert read_nonce(anvil, 4) == before
    assert read_record(record_path(anvil.chain_id, tmp_path / "used")) == record


def test_deploy__told_to_replace_records__names_them_in_the_plan_and_replaces_them(
    anvil: Chain, tmp_path: Path
) -> None:
    _, record = deploy(anvil, tmp_path)
    signer = anvil.accounts[4]
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path, replace_records=True)
    replaced = [text for label, text in describe_plan(plan) if label == "replaces"]
    assert replaced[0] == f"the record of Credits {record.address}, which is on this chain"
    assert len(replaced) == 2
    assert deploy_contracts(anvil, signer, plan, folder=tmp_path).credits.address == plan.address != record.address
    assert read_record(record_path(anvil.chain_id, tmp_path)).address == plan.address


def test_plan_deployment__over_the_record_of_an_earlier_chain__says_that_it_replaces_it(
    anvil: Chain, tmp_path: Path
) -> None:
    snapshot = rpc(anvil, "evm_snapshot", [])["result"]
    _, record = deploy(anvil, tmp_path)
    rpc(anvil, "evm_revert", [snapshot])
    signer = anvil.accounts[4]
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path)
    told = f"the record of Credits {record.address}, which an earlier chain with this id had"
    assert ("replaces", told) in describe_plan(plan)
    deploy_contracts(anvil, signer, plan, folder=tmp_path)
    assert read_record(record_path(anvil.chain_id, tmp_path)).address == plan.address


def test_plan_deployment__with_a_test_usdc__counts_it(anvil: Chain, tmp_path: Path) -> None:
    signer = anvil.accounts[0]
    without = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path)
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path, test_usdc=True)
    assert dict(describe_plan(plan))["action"].endswith("by CREATE2, and TestUSDC, a token for tests")
    assert (plan.deploys_usdc, plan.usdc) == (True, None)
    nonce, coins = read_nonce(anvil, 0), anvil.read_coin_balance(signer.address)
    record = deploy_contracts(anvil, signer, plan, folder=tmp_path).credits
    assert read_nonce(anvil, 0) == nonce + 3
    assert coins - anvil.read_coin_balance(signer.address) <= plan.max_cost_wei
    assert is_test_usdc(anvil, parse_address(str(record.usdc)))
    assert plan.gas > without.gas
    again = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path, test_usdc=True)
    assert (again.sends_nothing, again.usdc, again.gas) == (True, record.usdc, 0)


def test_plan_deployment__where_only_a_test_usdc_is_missing__says_so_and_costs_it(anvil: Chain, tmp_path: Path) -> None:
    deploy(anvil, tmp_path)
    signer = anvil.accounts[0]
    plan = plan_deployment(anvil, signer.address, signer.address, folder=tmp_path, test_usdc=True)
    told = dict(describe_plan(plan))
    assert (plan.already_deployed, plan.sends_nothing) == (True, False)
    assert told["action"] == "deploy TestUSDC, a token for tests"
    assert told["cost"].startswith(f"{plan.gas:,} gas")
    assert plan.gas > 0


def lie_once(node: OddNode, method: str, result: object) -> list[str]:
    """Have the first answer to a method after a transaction replaced. Return the list that tells whether it was."""
    lied: list[str] = []

    def hook(asked: str, params: list[Any], forward: Forward) -> Reply:
        if asked != method or SEND not in node.asked or lied:
            return None
        lied.append(asked)
        return {"result": result}

    node.hook = hook
    return lied


@pytest.mark.parametrize(("method", "result"), [("eth_getCode", "0x01"), ("eth_call", "0x" + "00" * 32)])
def test_deploy__whose_node_shows_something_else_once__is_done_once(
    anvil: Chain, tmp_path: Path, method: str, result: str
) -> None:
    with run_odd_node(anvil.label) as node:
        chain = open_rpc(node.url, timeout_seconds=5)
        signer = anvil.accounts[7]
        plan = plan_deployment(chain, signer.address, signer.address, create2=False)
        node.asked.clear()
        lied = lie_once(node, method, result)
        deployment = deploy_contracts(chain, signer, plan, folder=tmp_path)
        assert lied
        assert node.asked.count(SEND) == 2
        assert all(check.ok for check in check_deployment(anvil, deployment.credits))


def test_find_or_deploy_usdc__whose_node_shows_something_else_once__does_not_copy_that(
    anvil: Chain, tmp_path: Path
) -> None:
    with run_odd_node(anvil.label) as node:
        lied = lie_once(node, "eth_getCode", "0x01")
        address = find_or_deploy_usdc(open_rpc(node.url, timeout_seconds=5), anvil.accounts[7], tmp_path)
        assert lied
        assert is_test_usdc(anvil, parse_address(address))
