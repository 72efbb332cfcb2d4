"""`nvm-chain deploy` and `check-deployment`: put Credits on a chain, and compare what is there with the record."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nvm_chain.cli.commands import chain_command
from nvm_chain.cli.failures import EXIT_NETWORK
from nvm_chain.cli.lazy import demo, deploying, deployments
from nvm_chain.cli.output import Rows, print_rows
from nvm_chain.cli.parameters import Address
from nvm_chain.cli.session import EMBEDDED, Session
from nvm_chain.errors import InvalidConfig, NoDeployment

if TYPE_CHECKING:
    from nvm_chain.deploying import DeploymentPlan
    from nvm_chain.deployments import DeploymentRecord


@chain_command(
    "deploy",
    signs=True,
    locates=False,
    examples=(
        "nvm-chain deploy --dev-account 0 --test-usdc --yes",
        "nvm-chain deploy --keyfile builder.json --fee-owner $BUILDER --yes --json",
    ),
)
@click.option("--fee-owner", type=Address(), help="Who may set the protocol fee of future plans. Default: the signer.")
@click.option("--create", is_flag=True, help="Deploy by plain CREATE even where CREATE2 is possible.")
@click.option("--test-usdc", is_flag=True, help="Deploy a TestUSDC with a faucet beside it. Development chains only.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def deploy(session: Session, fee_owner: str | None, create: bool, test_usdc: bool, yes: bool) -> None:
    """Deploy Credits and write a deployment record, where the other commands find its address.

    Says first what it will do and what that costs at most, then asks. Safe to run twice: what is there is not deployed
    again. On most chains the address is the same, and depends on the fee owner alone (CREATE2).
    """
    if session.network == EMBEDDED and session.rpc is None:
        raise InvalidConfig(
            "the embedded chain has Credits already, and ends with the command; give --rpc or --network"
        )
    chain, signer = session.connect_to_sign(locate=False)
    if test_usdc and not demo.is_development_chain(chain):
        raise InvalidConfig(f"a TestUSDC is for development chains, and chain {chain.chain_id} is none")
    session.say("Working out what it costs")
    owner = fee_owner or signer.address
    plan = deploying.plan_deployment(chain, signer.address, owner, create2=not create, folder=session.deployments)
    _show_plan(session, plan)
    deploying.require_funds(plan)
    if not (yes or plan.already_deployed):
        _ask(session)
    usdc = deploying.find_or_deploy_usdc(chain, signer, session.deployments) if test_usdc else None
    record = deploying.deploy_credits(chain, signer, plan, folder=session.deployments, usdc=usdc)
    _answer(session, record, plan.already_deployed, deployments.record_path(record.chain_id, session.deployments))


def _show_plan(session: Session, plan: "DeploymentPlan") -> None:
    """Say what will happen and what it costs."""
    session.progress.stop()
    if not session.as_json:
        print_rows(deploying.describe_plan(plan), stderr=True)


def _ask(session: Session) -> None:
    """Ask whether to go on. Raises click.Abort if not."""
    if session.as_json:
        raise InvalidConfig(
            "nobody is asked with --json; see without it what deploying does and costs, and then add --yes"
        )
    click.confirm("Deploy?", abort=True, err=True)


def _answer(session: Session, record: "DeploymentRecord", already: bool, path: Path) -> None:
    rows: Rows = [
        ("Credits", f"{record.address}{' (was there already)' if already else ''}"),
        *([("TestUSDC", record.usdc)] if record.usdc else []),
        ("transaction", record.transaction_hash or "not known, somebody else sent it"),
        ("record", path),
    ]
    session.answer({**record.model_dump(), "already_deployed": already, "record": str(path)}, rows)


# ---------------------------------------------------------------- check


@chain_command(
    "check-deployment",
    locates=False,
    examples=("nvm-chain check-deployment", "nvm-chain check-deployment --json"),
)
def check_deployment(session: Session) -> None:
    """Compare a deployment record with the chain and with the code that this package carries.

    The exit code is 4 if anything differs.
    """
    chain = session.connect(locate=False)
    record = deployments.find_record(chain.chain_id, session.deployments)
    if record is None:
        raise NoDeployment(chain.chain_id)
    session.say("Comparing")
    checks = deploying.check_deployment(chain, record)
    wrong = [check for check in checks if not check.ok]
    shown = [
        {"name": check.name, "expected": check.expected, "actual": check.actual, "ok": check.ok} for check in checks
    ]
    rows: Rows = [("Credits", f"{record.address} on chain {record.chain_id}")]
    for check in checks:
        rows.append(("ok" if check.ok else "WRONG", check.name))
        rows += [] if check.ok else [("", f"expected {check.expected}"), ("", f"found    {check.actual}")]
    session.answer({"address": record.address, "ok": not wrong, "checks": shown}, rows)
    if wrong:
        click.get_current_context().exit(EXIT_NETWORK)
