"""`nvm-chain token`: sign what a request to a service has to carry, and read the voucher that it is."""

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
    "token", help="Sign the tokens that requests to a service carry. Each token is a voucher for one request."
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
    "--redeemer", type=Address(), required=True, help="Who may settle the token: the plan's owner or a redeemer."
)
@click.option(
    "--state",
    type=Text(),
    metavar="PATH",
    required=True,
    help="File that keeps the last ceiling signed for each plan. The command creates a missing file.",
)
@click.option("--plan", type=PlanId(), help="Plan that pays. Default: the plan that takes the fewest credits.")
def sign(session: Session, agent: int, gateway: str, redeemer: str, state: str, plan: int | None) -> None:
    """Sign the token for the next request to a service. Nothing is sent.

    The command prints the token on stdout, for the gateway in front of the service. A token is a voucher for one request at
    the highest cost, valid for an hour. For time plans and transferable plans the gateway asks the chain, as `access` does.
    """
    where = payments.Gateway(gateway, redeemer)
    chain, signer = session.connect_to_sign()
    session.say("Looking at the plans")
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
    """Show the voucher in a token. No node is asked, and nothing is checked.

    Prints the voucher on stdout, one line of JSON for `voucher verify` and `voucher settle`, with --json or without.
    """
    signed = messages.read_message(file, payments.read_service_token, "service token")
    session.answer_message(signed.to_json(), voucher_rows(signed.voucher))


for command in (sign, read):
    token_group.add_command(command)
