"""Compare a deployment record with the chain and the packaged artifacts: `ape run check_deployment --network ...`."""

import sys
from pathlib import Path

import click
from ape.cli import ConnectedProviderCommand

from nvm_chain.deploying import check_deployment
from nvm_chain.deployments import find_record
from nvm_chain.errors import NoDeployment
from scripts._seam import clear_errors, open_ape_chain


@click.command(cls=ConnectedProviderCommand)
@click.option("--records", type=click.Path(path_type=Path), help="Folder of deployment records. Default: deployments/.")
@click.option("--chain-id", type=int, help="Chain id expected; a known network implies its own.")
@clear_errors
def cli(records: Path | None, chain_id: int | None) -> None:
    """Check the recorded deployment of a network."""
    chain = open_ape_chain(chain_id)
    record = find_record(chain.chain_id, records)
    if record is None:
        raise NoDeployment(chain.chain_id)
    click.echo(f"Credits at {record.address} on chain {chain.chain_id}:")
    checks = check_deployment(chain, record)
    for check in checks:
        click.echo(f"{'ok' if check.ok else 'WRONG':>6}  {check.name}")
        if not check.ok:
            click.echo(f"        expected {check.expected}\n        found    {check.actual}")
    sys.exit(0 if all(check.ok for check in checks) else 1)
