"""`nvm-chain demo`: the whole story, told as it happens, with a closing account."""

from collections.abc import Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nvm_chain.cli.answers import name_plan
from nvm_chain.cli.commands import CHAIN, SectionOption, answer_options, session_command
from nvm_chain.cli.lazy import demo as stories
from nvm_chain.cli.output import fields_of, print_json
from nvm_chain.cli.parameters import Url
from nvm_chain.cli.session import Session
from nvm_chain.units import USDC_DECIMALS, format_units

if TYPE_CHECKING:
    from nvm_chain.demo import DemoResult, Step

OPERATIONS: Final = {
    "register": "register the plan",
    "faucet": "faucet",
    "order": "order with a permit",
    "redeem": "redeem, each request",
    "mint": "mint",
    "burn": "burn",
    "register_metered": "register the metered plan",
    "relay": "order by signature, relayed",
    "mint_batch": "mint to 9 holders",
    "settle": "settle 10 vouchers",
    "settle_again": "settle 3 that bring nothing",
    "approve": "plain approve of the price",
    "transfer_from": "plain transferFrom of it",
}

INDENT: Final = " " * 4
TABLE_WIDTH: Final = 120

OPTIONS: Final = (
    SectionOption(
        "--rpc",
        section=CHAIN,
        type=Url(),
        allow_from_autoenv=False,
        help="URL of a development node. Default: a chain in this process, whatever NVM_CHAIN_RPC says.",
    ),
    SectionOption(
        "--chain-id", section=CHAIN, type=int, metavar="N", allow_from_autoenv=False, help="Chain id expected there."
    ),
    *answer_options(),
)


@session_command("demo", OPTIONS, examples=("nvm-chain demo", "nvm-chain demo --json", "nvm-chain demo --rpc $RPC"))
def demo(session: Session) -> None:
    """Tell the whole story: a plan is ordered and used, a thousand requests are paid by signature, thieves get nothing.

    Runs on a chain inside this process: no network, account, key or node is needed. With --rpc it runs on a development
    node such as anvil, where it deploys contracts of its own and uses the node's funded accounts.
    """
    node = session.rpc is not None
    session.say("Connecting and deploying" if node else "Starting a chain in this process (two seconds)")
    chain = stories.open_demo_chain(session.rpc, session.chain_id)
    if session.as_json:
        chain.on_progress = session.say
        print_json(describe_result(stories.run_demo(chain, lambda step: session.say(str(step)))))
        return
    session.progress.stop()
    teller = Teller(Console(highlight=False, markup=False, emoji=False))
    teller.begin(f"nvm-chain demo on {chain.label}, chain {chain.chain_id}")
    teller.close(stories.run_demo(chain, teller.tell))


def describe_result(result: "DemoResult") -> Mapping[str, Any]:
    """Return the result as JSON shows it."""
    refusals = [
        {"actor": step.actor, "attempt": step.action, "error": type(step.error).__name__, "message": str(step.error)}
        for step in result.refusals
    ]
    computed = {
        "order_above_approve_and_transfer_from": result.order_overhead,
        "gas_per_request": result.gas_per_request,
    }
    return {**name_plan(result.plan_id), **fields_of(result), **computed, "refusals": refusals}


class Teller:
    """Writes the story to a terminal, a file or a pipe, as wide as it is."""

    def __init__(self, console: Console) -> None:
        """Start with the first step."""
        self._console = console
        self._number = 0
        self._refused = 0

    def begin(self, title: str) -> None:
        """Write the headline."""
        self._console.print(title, style="bold", soft_wrap=True)
        self._console.print()

    def tell(self, step: "Step") -> None:
        """Write a step; attempts that were refused are gathered under one."""
        if step.opens:
            self._console.print(f"{chr(10) if self._number else ''}{step.opens}", style="bold", soft_wrap=True)
        if step.error is None:
            self._refused = 0
            self._write_step(f"The {step.actor} {step.action}.")
            self._write_lines(step.outcome, style="green")
            return
        if self._refused == 0:
            self._write_step("What nobody may do is refused.")
        self._refused += 1
        attempt = Text(f"    {step.actor:<12}{step.action.removeprefix('tries to '):<34}")
        self._console.print(attempt.append(type(step.error).__name__, style="red"), soft_wrap=True)

    def _write_step(self, sentence: str) -> None:
        self._number += 1
        self._write_lines(sentence, f"{self._number:>2}  ")

    def _write_lines(self, text: str, first_indent: str = INDENT, style: str = "", indent: str = INDENT) -> None:
        """Wrap text at the console's width, behind the step's number."""
        lines = wrap(
            text, self._console.width, initial_indent=first_indent, subsequent_indent=indent, break_long_words=False
        )
        for line in lines:
            self._console.print(line, style=style, soft_wrap=True)

    def close(self, result: "DemoResult") -> None:
        """Write the closing account."""
        self._close_table("Balances, read from the chain", build_balances(result))
        self._close_table(
            f"Paid by the order: {format_units(result.price_paid, USDC_DECIMALS)} USDC", build_payments(result)
        )
        self._close_table("Gas used", build_gas(result))
        self._close_table("Gas per request", build_gas_per_request(result))
        self._console.print()
        self._write_lines(describe_speed(result), "", indent="")

    def _close_table(self, title: str, table: Table) -> None:
        self._console.print()
        self._console.print(title, style="bold", soft_wrap=True)
        width, self._console.width = self._console.width, max(self._console.width, TABLE_WIDTH)
        self._console.print(table, soft_wrap=True)  # a narrow terminal wraps lines, where rich would cut numbers
        self._console.width = width


def open_table(*columns: str) -> Table:
    """Return an empty table whose first column is text and whose others are numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def build_balances(result: "DemoResult") -> Table:
    """Show what everybody has in the end."""
    table = open_table("who", "USDC", "credits", "metered credits")
    for role, held in result.balances.items():
        money = format_units(held["usdc"], USDC_DECIMALS)
        table.add_row(role, money, f"{held['credits']:,}", f"{held['metered_credits']:,}")
    return table


def build_payments(result: "DemoResult") -> Table:
    """Show who was paid by the order."""
    roles = {address: role for role, address in result.accounts.items()}
    table = open_table("to", "USDC")
    for receiver, amount in result.receivers.items():
        table.add_row(f"{receiver}  {roles.get(receiver, '')}", format_units(amount, USDC_DECIMALS))
    return table


def build_gas(result: "DemoResult") -> Table:
    """Show what each operation cost in gas, and how far an order is above a plain transfer."""
    table = open_table("operation", "gas")
    for name, gas in result.gas.items():
        table.add_row(OPERATIONS[name], f"{gas:,}")
    table.add_row("order above approve and transferFrom", f"{result.order_overhead:,}", style="bold")
    return table


def build_gas_per_request(result: "DemoResult") -> Table:
    """Show what a request costs in gas, redeemed on the chain and by voucher."""
    metered, each = result.metered, result.gas_per_request
    vouchers = len(metered.outcomes)
    table = open_table("way", "gas", "requests", "each")
    table.add_row("redeem on the chain", f"{result.gas['redeem']:,}", "1", f"{each['redeem']:,}")
    table.add_row(
        f"settle {vouchers} vouchers", f"{result.gas['settle']:,}", f"{metered.requests:,}", f"{each['settle']:,}"
    )
    share = (f"{result.settlement_share:,}", f"{metered.vouchers_signed:,}", f"{each['settle_subscriber']:,}")
    table.add_row(f"its 1/{vouchers}, the subscriber's", *share, style="bold")
    return table


def describe_speed(result: "DemoResult") -> str:
    """Tell how long signing and checking took on this machine."""
    metered = result.metered
    return (
        f"{metered.vouchers_signed:,} vouchers signed in {format_units(metered.signing_milliseconds, 3)} s and "
        f"{metered.vouchers_checked:,} checked in {format_units(metered.checking_milliseconds, 3)} s, with nothing sent."
    )
