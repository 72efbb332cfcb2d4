"""`nvm-chain deploy` and `check-deployment`: deploy the contracts, and compare them with their records."""

from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.command import chain_command
from nvm_chain.cli.confirmation import confirm
from nvm_chain.cli.exit_codes import EXIT_NETWORK
from nvm_chain.cli.lazy import demo, deployment, errors, records
from nvm_chain.cli.output import Rows, print_rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.session import EMBEDDED, Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.chain.records import DeploymentRecord
    from nvm_chain.operations.deployment import Deployment, DeploymentPlan


@chain_command(
    "deploy",
    signs=True,
    locates=False,
    examples=(
        "nvm-chain deploy --dev-account 0 --test-usdc --yes",
        "nvm-chain deploy --keyfile builder.json --fee-owner $BUILDER \\\n    --deployments staging --yes --json",
    ),
)
@click.option(
    "--fee-owner", type=Address(), help="Address that may set the protocol fee of future plans. Default: the signer."
)
@click.option("--create", is_flag=True, help="Deploy with CREATE, even if the chain supports CREATE2.")
@click.option("--test-usdc", is_flag=True, help="Deploy a TestUSDC with a faucet too. Development chains only.")
@click.option(
    "--replace-records",
    is_flag=True,
    help="Replace the records of other contracts on this chain. Commands in this folder no longer find those contracts.",
)
@click.option("--yes", is_flag=True, help="Deploy without a question.")
def deploy(
    session: Session, fee_owner: str | None, create: bool, test_usdc: bool, replace_records: bool, yes: bool
) -> None:
    """Deploy the contracts Credits and AgentRegistry, and write their deployment records.

    Other commands find the contracts by these records. The command shows the steps and the highest cost, and asks
    before it deploys. With CREATE2 the addresses depend only on the fee owner, and are equal on most chains. A second
    run with the same fee owner skips contracts that are deployed already. With another fee owner, the command refuses
    to replace the records.
    """
    if session.network == EMBEDDED and session.rpc is None:
        raise errors.InvalidConfig(
            "the embedded chain has Credits already, and ends with the command", "give --rpc or --network"
        )
    chain, signer = session.connect_to_sign(locate=False)
    if test_usdc and not demo.is_development_chain(chain):
        raise errors.InvalidConfig(
            f"a TestUSDC is for development chains, and chain {chain.chain_id} is not one", "leave out --test-usdc"
        )
    session.say("Estimating the cost")
    owner = fee_owner or signer.address
    plan = deployment.plan_deployment(
        chain,
        signer.address,
        owner,
        create2=not create,
        folder=session.deployments,
        test_usdc=test_usdc,
        replace_records=replace_records,
    )
    _show_plan(session, plan)
    deployment.require_funds(plan)
    if not (yes or plan.sends_nothing):
        confirm(session, "Deploy?", verb="deploy", look="run the command without --json to see the steps and the cost")
    _answer(session, plan, deployment.deploy_contracts(chain, signer, plan, folder=session.deployments))


def _show_plan(session: Session, plan: "DeploymentPlan") -> None:
    """Print the steps of the deployment and their highest cost."""
    session.progress.stop()
    if not session.as_json:
        print_rows(deployment.describe_plan(plan), stderr=True)


def _answer(session: Session, plan: "DeploymentPlan", done: "Deployment") -> None:
    rows: Rows = []
    data = {}
    for record, there in ((done.credits, plan.credits_deployed), (done.agents, plan.agents_deployed)):
        path = records.record_path(record.chain_id, session.deployments, record.contract)
        data[record.contract] = {**record.model_dump(), "already_deployed": there, "record": str(path)}
        rows += [
            (record.contract, f"{record.address}{' (was there already)' if there else ''}"),
            *([("TestUSDC", record.usdc)] if record.usdc else []),
            ("transaction", record.transaction_hash or "unknown: sent before, and this folder has no record of it"),
            ("record", path),
        ]
    session.answer({**data["Credits"], "agents": data["AgentRegistry"]}, rows)


# ---------------------------------------------------------------- check


@chain_command(
    "check-deployment",
    locates=False,
    examples=("nvm-chain check-deployment", "nvm-chain check-deployment --json"),
)
def check_deployment(session: Session) -> None:
    """Compare the deployment records with the chain and with the contract code in this package.

    The exit code is 4 if anything differs.
    """
    chain = session.connect(locate=False)
    record = records.find_record(chain.chain_id, session.deployments)
    if record is None:
        raise errors.NoDeployment(chain.chain_id, "Credits", records.format_searched_folder(session.deployments))
    session.say("Comparing")
    credits, rows = _check(session, chain, record)
    data = {**credits, "agents": None}
    agents = records.find_record(chain.chain_id, session.deployments, "AgentRegistry")
    if agents is not None:
        data["agents"], more = _check(session, chain, agents)
        rows += more
    session.answer(data, rows)
    if not (credits["ok"] and (agents is None or data["agents"]["ok"])):
        click.get_current_context().exit(EXIT_NETWORK)


def _check(
    session: Session, chain: "Chain", record: "DeploymentRecord"
) -> tuple[dict[str, Any], list[tuple[str, object]]]:
    """Return the checks of one record, as JSON and as text."""
    with records.explain_earlier_chain(record, session.deployments):
        checks = deployment.check_deployment(chain, record)
    shown = [
        {"name": check.name, "expected": check.expected, "actual": check.actual, "ok": check.ok} for check in checks
    ]
    rows: list[tuple[str, object]] = [(record.contract, f"{record.address} on chain {record.chain_id}")]
    for check in checks:
        rows.append(("ok" if check.ok else "WRONG", check.name))
        rows += [] if check.ok else [("", f"expected {check.expected}"), ("", f"found    {check.actual}")]
    return {"address": record.address, "ok": all(check.ok for check in checks), "checks": shown}, rows
