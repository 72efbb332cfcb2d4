"""`nvm-chain gateway run`: serve until somebody stops it."""

from nvm_chain.cli.gateways import config_option, gateway_command
from nvm_chain.cli.lazy import gateway_config, gateway_running
from nvm_chain.cli.session import Session


@gateway_command(
    "run",
    examples=(
        "nvm-chain gateway run",
        "nvm-chain gateway run --config shop/gateway.toml",
    ),
)
@config_option
def run(session: Session, config: str) -> None:
    """Serve paid requests until you stop it with Ctrl-C or SIGTERM.

    The command follows the chain, holds and counts credits, forwards paid requests to the services, and settles what is due.
    Requests that run are finished first when it stops, for 30 seconds at most.
    """
    read = gateway_config.read_config(config)
    session.say("Connecting")
    listen, count = read.listen, len(read.settings.services)
    services = "1 service" if count == 1 else f"{count} services"
    gateway_running.run_gateway(
        read, on_start=lambda: session.say(f"Serving {services} at http://{listen.host}:{listen.port}")
    )
    session.answer({"services": count, "url": read.settings.url}, [("stopped", "all charges are stored")])
