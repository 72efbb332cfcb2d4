"""`nvm-chain token`: sign a token for a request to a service, and read the voucher in a token."""

import click

from nvm_chain.cli.answers import name_plan, voucher_rows
from nvm_chain.cli.command import agent_argument, answer_options, argument, chain_command, session_command
from nvm_chain.cli.deferred import messages
from nvm_chain.cli.groups import Group
from nvm_chain.cli.lazy import payments
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Address, PlanId, Text, Url
from nvm_chain.cli.session import Session

token_group = Group(
    "token", help="Sign and read tokens for requests to a service. Each token is a voucher that pays for one request."
)


@chain_command(
    "sign",
    signs=True,
    agents=True,
    examples=(
        (
            "nvm-chain token sign $AGENT --gateway https://gateway.example.com \\\n"
            "    --redeemer $BUILDER --state ceilings.json \\\n    --keyfile subscriber.json > token.txt"
        ),
        (
            "nvm-chain token sign $AGENT --plan $PLAN --redeemer $BUILDER \\\n"
            "    --gateway https://gateway.example.com --state ceilings.json \\\n"
            "    --dev-account 2 --json"
        ),
    ),
)
@agent_argument()
@click.option(
    "--gateway",
    type=Url("a gateway", "https://gateway.example.com"),
    required=True,
    help="URL of the gateway in front of the service.",
)
@click.option(
    "--redeemer", type=Address(), required=True, help="Address that may settle the token: the plan owner or a redeemer."
)
@click.option(
    "--state",
    type=Text(),
    metavar="PATH",
    required=True,
    help="File with the last signed ceiling of each plan. The command creates a missing file.",
)
@click.option(
    "--plan", type=PlanId(), help="Plan that pays for the request. Default: the plan that takes the fewest credits."
)
def sign(session: Session, agent: int, gateway: str, redeemer: str, state: str, plan: int | None) -> None:
    """Sign the token for the next request to a service. Nothing is sent.

    The command prints the token on stdout. The gateway in front of the service takes the token. A token is a voucher
    for one request at the highest cost, and is valid for an hour. Time plans and transferable plans need no token:
    there the gateway asks the chain, as `nvm-chain access` does.
    """
    where = payments.Gateway(gateway, redeemer)
    chain, signer = session.connect_to_sign()
    session.say("Reading the plans")
    buyer = payments.Payments(chain, signer, gateway=where, state=state)
    signed = buyer.get_service_token(agent) if plan is None else buyer.agents.get_agent_access_token(plan, agent)
    voucher = payments.read_service_token(signed.accessToken).voucher
    rows: Rows = [("agent", agent), ("url", signed.neverminedProxyUri), *voucher_rows(voucher)]
    if not session.as_json:
        session.answer_message(signed.accessToken, rows)
        return
    data = {
        "agent_id": agent,
        **name_plan(voucher.plan_id),
        "holder": voucher.holder,
        "redeemer": voucher.redeemer,
        "ceiling": voucher.ceiling,
        "deadline": voucher.deadline,
        "url": signed.neverminedProxyUri,
        "token": signed.accessToken,
    }
    session.answer(data, rows)


@session_command(
    "read",
    answer_options(),
    examples=("nvm-chain token read token.txt", "nvm-chain token read - --json < token.txt"),
)
@argument("file", metavar="FILE", help="File with the token; - is the standard input.")
def read(session: Session, file: str) -> None:
    """Show the voucher in a token. The command asks no node, and checks nothing.

    The command prints the voucher as one line of JSON on stdout. `voucher verify` and `voucher settle` read this line.
    """
    signed = messages.read_message(file, payments.read_service_token, "service token")
    session.answer_message(signed.to_json(), voucher_rows(signed.voucher))


for command in (sign, read):
    token_group.add_command(command)
