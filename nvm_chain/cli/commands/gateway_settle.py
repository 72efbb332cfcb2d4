"""`nvm-chain gateway settle`: settle beside a gateway, or while it is stopped."""

import click

from nvm_chain.cli.commands.meter_settle import answer_outlook, settle_once
from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.lazy import gateway_books, gateway_config, gateway_connecting, meter_operating
from nvm_chain.cli.session import Session


@gateway_command(
    "settle",
    examples=("nvm-chain gateway settle --dry-run", "nvm-chain gateway settle --config gateway.toml --json"),
)
@config_option
@click.option("--dry-run", is_flag=True, help="Show the batches, their gas, and what they would close. Sends nothing.")
def settle(session: Session, config: str, dry_run: bool) -> None:
    """Settle what is due once, with the redeemer and the rules of the configuration.

    A gateway settles by itself. So this command is for books in PostgreSQL that another machine settles, or while the gateway is
    stopped: books in a file belong to the gateway while it runs. A settlement names totals, so nothing is taken twice. The exit
    code is 6 if a batch or an opening failed.
    """
    read = gateway_config.read_config(config)
    secrets = gateway_config.open_secrets(read)
    filled = gateway_config.fill_secrets(read, secrets)
    session.say("Connecting")
    chain = gateway_connecting.open_chain(filled)
    session.chain = chain
    session.say("Reading the redeemer's key")
    signer = gateway_connecting.read_redeemer(filled, secrets, chain)
    exposure = max(service.exposure for service in filled.settings.services.values())
    with gateway_books.open_free_books(filled.settings.meter, chain) as writer:
        session.say("Reading the plans")
        settler = meter_operating.build_settler(chain, signer, writer, filled.rules, exposure=exposure)
        if dry_run:
            answer_outlook(session, settler, chain)
        else:
            settle_once(session, settler)
