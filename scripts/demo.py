"""Run the demo on the network of Ape's connection: `ape run demo --network ethereum:local:foundry`."""

import click
from ape.cli import ConnectedProviderCommand

from nvm_chain.chain.dev_accounts import derive_dev_accounts
from nvm_chain.chain.embedded import deploy_all
from nvm_chain.demo import run_demo
from nvm_chain.demo.serving import serve
from scripts._seam import clear_errors, open_ape_chain


@click.command(cls=ConnectedProviderCommand)
@clear_errors
def cli() -> None:
    """Run the demo on a development network."""
    chain = open_ape_chain()
    chain.accounts = derive_dev_accounts()
    deploy_all(chain, chain.accounts[0])
    result = run_demo(chain, click.echo, serve)
    click.echo(result)
