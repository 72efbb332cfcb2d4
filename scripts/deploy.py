"""Deploy Credits and AgentRegistry: `ape run deploy --network base:sepolia --account NAME --fee-owner ADDRESS`.

The script prints its steps and their highest cost, and asks before it deploys. It deploys with CREATE2 if the chain has
the deterministic-deployment proxy. A second run with the same fee owner deploys nothing again. `--network base:sepolia:URL` uses your own node.
"""

from pathlib import Path

import click
from ape.api import AccountAPI
from ape.cli import ConnectedProviderCommand, account_option

from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import record_path
from nvm_chain.errors import InvalidConfig
from nvm_chain.operations.deployment import (
    Deployment,
    deploy_contracts,
    describe_plan,
    plan_deployment,
    require_funds,
)
from scripts._seam import ApeSigner, clear_errors, is_development, open_ape_chain, open_records


@click.command(cls=ConnectedProviderCommand)
@account_option()
@click.option("--fee-owner", help="Address that may set the protocol fee, which starts at zero. Default: the account.")
@click.option("--chain-id", type=int, help="Expected chain id. Default for a known network: its chain id.")
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    help="Folder of deployment records. Default: deployments/. A chain that ends with the command has no default.",
)
@click.option("--create", is_flag=True, help="Deploy with CREATE, even if the chain supports CREATE2.")
@click.option("--test-usdc", is_flag=True, help="Deploy a TestUSDC with a faucet too. Development networks only.")
@click.option("--replace-records", is_flag=True, help="Replace the records of other contracts on this chain.")
@click.option("--yes", is_flag=True, help="Deploy without a question. On a development network the script never asks.")
@clear_errors
def cli(
    account: AccountAPI,
    fee_owner: str | None,
    chain_id: int | None,
    records: Path | None,
    create: bool,
    test_usdc: bool,
    replace_records: bool,
    yes: bool,
) -> None:
    """Deploy Credits and AgentRegistry to a network."""
    chain, signer = open_ape_chain(chain_id), ApeSigner(account)
    is_test_chain = is_development(chain)
    if test_usdc and not is_test_chain:
        raise InvalidConfig(
            f"a TestUSDC is for development chains, and chain {chain.chain_id} is not one", "leave out --test-usdc"
        )
    with open_records(records) as folder:
        plan = plan_deployment(
            chain,
            signer.address,
            fee_owner or signer.address,
            create2=not create,
            folder=folder,
            test_usdc=test_usdc,
            replace_records=replace_records,
        )
        for label, text in describe_plan(plan):
            click.echo(f"{label:>10}: {text}")
        require_funds(plan)
        if not (yes or is_test_chain or plan.sends_nothing):
            click.confirm("Deploy?", abort=True)
        deployment = deploy_contracts(chain, signer, plan, folder=folder)
    _report(chain, deployment, records, kept=folder == records)


def _report(chain: Chain, deployment: Deployment, records: Path | None, *, kept: bool) -> None:
    for record in (deployment.credits, deployment.agents):
        click.echo(f"{record.contract} is at {record.address} on chain {chain.chain_id}.")
        if kept:
            click.echo(f"The record is {record_path(record.chain_id, records, record.contract)}.")
    if not kept:
        click.echo("This chain ends with the command, so there is no record.")
    if deployment.credits.usdc:
        click.echo(f"TestUSDC is at {deployment.credits.usdc}.")
