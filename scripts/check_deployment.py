"""Compare the deployment records with chain and packaged artifacts: `ape run check_deployment --network ...`."""

import sys
from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand

from nvm_chain.chain.client import Chain
from nvm_chain.chain.records import DeploymentRecord, explain_earlier_chain, find_record, format_searched_folder
from nvm_chain.errors import NoDeployment
from nvm_chain.operations.deployment import check_deployment
from scripts._seam import clear_errors, open_ape_chain


@click.command(cls=ConnectedProviderCommand)
@click.option("--records", type=click.Path(path_type=Path), help="Folder of deployment records. Default: deployments/.")
@click.option("--chain-id", type=int, help="Expected chain id. Default for a known network: its chain id.")
@clear_errors
def cli(records: Path | None, chain_id: int | None) -> None:
    """Compare the deployment records of a network with the chain."""
    chain = open_ape_chain(chain_id)
    record = find_record(chain.chain_id, records)
    if record is None:
        raise NoDeployment(chain.chain_id, "Credits", format_searched_folder(records))
    agents = find_record(chain.chain_id, records, "AgentRegistry")
    results = [_check(chain, each, records) for each in (record, agents) if each is not None]
    if agents is None:
        click.echo("No AgentRegistry is recorded; `ape run deploy` deploys it.")
    sys.exit(0 if all(results) else 1)


def _check(chain: Chain, record: DeploymentRecord, folder: Path | None) -> bool:
    """Print the checks of one record, and return whether all pass."""
    click.echo(f"{record.contract} at {record.address} on chain {chain.chain_id}:")
    with explain_earlier_chain(record, folder):
        checks = check_deployment(chain, record)
    for check in checks:
        click.echo(f"{'ok' if check.ok else 'WRONG':>6}  {check.name}")
        if not check.ok:
            click.echo(f"        expected {check.expected}\n        found    {check.actual}")
    return all(check.ok for check in checks)
