"""`nvm-chain facilitator`: make tokens for callers, check what a facilitator needs, and run one without a gateway."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.command import answer_options, argument, chain_command, session_command
from nvm_chain.cli.groups import Entry, Group
from nvm_chain.cli.lazy import (
    amounts,
    connecting,
    errors,
    facilitator_callers,
    facilitator_running,
    facilitator_settings,
    gateway_extras,
    token_domains,
)
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, Text
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from nvm_chain.chain.client import Chain
    from nvm_chain.gateway.facilitator.running import Place
    from nvm_chain.signing.keys import Signer
    from nvm_chain.x402.facilitator.settings import FacilitatorSettings

HOST: Final = "127.0.0.1"
PORT: Final = 8403
STORE: Final = "facilitator.db"
ENTRIES: Final = {
    "token": Entry("facilitator", "token", "Make a token for a server that may ask, and the line that knows it."),
    "check": Entry("facilitator", "check", "Say whether a facilitator could run, and what it would take."),
    "run": Entry("facilitator", "run", "Verify and settle payments of x402 for other servers."),
}
facilitator_group = Group(
    "facilitator",
    entries=ENTRIES,
    help="Verify and settle payments of x402 for other servers, and pay the gas.",
)


def place_options(function: Any) -> Any:
    """Add the options that say where a facilitator is, who may ask, and what it takes."""
    for option in reversed(
        (
            click.option("--store", type=Text(), default=STORE, metavar="PATH", help=f"Books. Default: {STORE}."),
            click.option("--token-file", type=Text(), metavar="PATH", help="A caller's name and hash on each line."),
            click.option("--host", type=Text(), default=HOST, help=f"Address to listen on. Default: {HOST}."),
            click.option("--port", type=click.IntRange(1, 65_535), default=PORT, help=f"Port. Default: {PORT}."),
            click.option("--asset", "assets", type=Address(), multiple=True, help="A token to take. Default: USDC."),
            click.option(
                "--factory", "factories", type=Address(), multiple=True, help="It may deploy payers' wallets."
            ),
            click.option("--least", type=click.IntRange(min=1), default=1, help="Smallest amount, in base units."),
        )
    ):
        function = option(function)
    return function


@session_command(
    "token",
    answer_options(),
    examples=("nvm-chain facilitator token shop", "nvm-chain facilitator token shop --json"),
)
@argument("name", type=Text(), help="Name of the server, for the file of tokens and for limits.")
def token(session: Session, name: str) -> None:
    """Make a random token for a server, and the line for the file of tokens.

    The line has the hash of the token only. So the token is shown here once: give it to the server, which sends it as
    Authorization: Bearer. Add the line to the file of --token-file. Accounts behind the hash are those that the server's buyers
    may pay.
    """
    made = facilitator_callers.make_token(name)
    rows: Rows = [("token", made.token), ("line", made.line)]
    session.answer({"name": name, "token": made.token, "line": made.line}, rows)


@chain_command(
    "check",
    signs=True,
    examples=(
        "nvm-chain facilitator check --asset $USDC --keyfile partner.json",
        "nvm-chain facilitator check --token-file shops.txt --dev-account 6 --json",
    ),
)
@place_options
def check(session: Session, **options: Any) -> None:
    """Say whether a facilitator could run as the options say. The command reads the chain, and opens no books."""
    chain, signer, place, settings = _read(session, options)
    facilitator_running.check_free(place.host, place.port)
    coin = int(chain.web3.eth.get_balance(signer.address))
    domains = [token_domains.read_token_domain(chain, each) for each in settings.tokens]
    data = {
        "sender": signer.address,
        "coin_wei": str(coin),
        "callers": [caller.name for caller in place.callers],
        "assets": [{"token": each.address, "name": each.name, "version": each.version} for each in domains],
        "url": f"http://{place.host}:{place.port}",
    }
    rows: Rows = [
        ("sender", signer.address),
        ("coin", f"{amounts.format_units(coin, amounts.NATIVE_DECIMALS)} ETH"),
        ("callers", ", ".join(caller.name for caller in place.callers)),
        *(("takes", f"{each.address}, {each.name} {each.version}") for each in domains),
        ("listens", f"{data['url']}"),
    ]
    session.answer(data, rows)


@chain_command(
    "run",
    signs=True,
    examples=(
        "nvm-chain facilitator run --asset $USDC --port $PORT --dev-account 6",
        "nvm-chain facilitator run --port $PORT --token-file shops.txt --dev-account 6",
    ),
)
@place_options
def run(session: Session, **options: Any) -> None:
    """Verify and settle payments for other servers until you stop it with Ctrl-C or SIGTERM.

    The signer sends the settlements, and pays their gas. Each is in the books before it is sent, so that it is sent once.
    Without --token-file, every program on this machine may ask, and nobody else.
    """
    chain, signer, place, settings = _read(session, options)
    url = f"http://{place.host}:{place.port}"

    def connect_again() -> "Chain":
        return connecting.connect(
            session.network or session.rpc or "",
            rpc_url=session.rpc if session.network else None,
            credits=chain.credits.address,
            chain_id=chain.chain_id,
        )

    facilitator_running.run_facilitator(
        connect_again, signer, place, settings, on_start=lambda: session.say(f"Serving at {url}")
    )
    session.answer({"url": url, "sender": signer.address}, [("stopped", "all settlements are in the books")])


def _read(session: Session, options: dict[str, Any]) -> "tuple[Chain, Signer, Place, FacilitatorSettings]":
    """Read what the options name. Raises InvalidConfig for a chain that ends with the command."""
    gateway_extras.require_gateway()
    file = options["token_file"]
    place = facilitator_running.read_place(
        store=options["store"],
        token_file=None if file is None else Path(file),
        host=options["host"],
        port=options["port"],
    )
    chain, signer = session.connect_to_sign()
    if session.network == "embedded":
        raise errors.InvalidConfig(
            "the embedded chain ends with this command", "start a node such as anvil, and give --rpc"
        )
    part = facilitator_settings.FacilitatorPart(
        place.callers, tokens=options["assets"], factories=options["factories"], least=options["least"]
    )
    return chain, signer, place, part.fill(chain.usdc)
