"""`nvm-chain demo`: shows each step of the demo as it happens, and then the final balances."""

import re
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from nvm_chain.cli.answers import describe_outcome, name_plan
from nvm_chain.cli.command import CHAIN, SectionOption, answer_options, session_command
from nvm_chain.cli.lazy import (
    amounts,
    demo_serving,
    errors,
    gateway_extras,
    json_values,
    rich_console,
    rich_table,
    rich_text,
)
from nvm_chain.cli.lazy import demo as stories
from nvm_chain.cli.output import print_json
from nvm_chain.cli.parameters import Url
from nvm_chain.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from nvm_chain.demo import DemoResult, ServedResult, Step
    from nvm_chain.demo.stage import Stage

OPERATIONS: Final = {
    "register": "register the plan",
    "order": "order with a permit",
    "redeem": "redeem, each request",
    "relay": "order by signature, relayed",
}
"""Operations in the closing gas table. The JSON has all operations."""

BY_CHAIN: Final = "The chain refuses every forbidden attempt."
BY_GATEWAY: Final = "The gateway refuses every request that is not paid for."
INDENT: Final = " " * 4
TABLE_WIDTH: Final = 120
NARROW: Final = 72
"""Terminal width in columns. A narrower terminal gets short ids and addresses, and two lines for a refusal."""
LONG_HEX: Final = re.compile(r"(0x|did:nv:)([0-9a-fA-F]{4})[0-9a-fA-F]{32,}([0-9a-fA-F]{4})")

OPTIONS: Final = (
    SectionOption(
        "--rpc",
        section=CHAIN,
        type=Url(),
        allow_from_autoenv=False,
        help="URL of a development node. Default: a chain inside this process. NVM_CHAIN_RPC does not count here.",
    ),
    SectionOption(
        "--chain-id",
        section=CHAIN,
        type=int,
        metavar="N",
        allow_from_autoenv=False,
        help="Expected chain id of the node.",
    ),
    *answer_options(),
)


@session_command("demo", OPTIONS, examples=("nvm-chain demo", "nvm-chain demo --json", "nvm-chain demo --rpc $RPC"))
def demo(session: Session) -> None:
    """Show the product on a test chain: a plan is sold and used, and vouchers pay for a thousand requests.

    The demo runs on a chain inside this process, and needs no network, account, key or node. With --rpc the demo runs
    on a development node such as anvil. There the demo deploys its own contracts and uses the node's funded accounts.

    In its third act a gateway in front of a service is paid for a hundred requests over HTTP, on this machine alone. That act
    needs the extra gateway, and is left out without it.
    """
    node = session.rpc is not None
    session.say("Connecting and deploying" if node else "Starting a chain in this process")
    chain = stories.open_demo_chain(session.rpc, session.chain_id)
    session.chain = chain if node else None  # after Ctrl-C, a node may still mine what was sent
    if session.as_json:
        chain.on_progress = session.say
        print_json(describe_result(stories.run_demo(chain, lambda step: session.say(str(step)), find_third_act())))
        return
    session.progress.stop()
    teller = Teller(rich_console.Console(highlight=False, markup=False, emoji=False))
    teller.begin(f"nvm-chain demo on {chain.label}, chain {chain.chain_id}")
    teller.close(stories.run_demo(chain, teller.tell, find_third_act()))


def find_third_act() -> "Callable[[Stage], ServedResult] | None":
    """Return the third act. None if the packages that it needs are not installed."""
    try:
        gateway_extras.require_gateway()
    except errors.MissingExtra:
        return None
    act: Callable[[Stage], ServedResult] = demo_serving.serve
    return act


def describe_result(result: "DemoResult") -> Mapping[str, Any]:
    """Return the result of the demo as a JSON object."""
    refusals = [
        {"actor": step.actor, "attempt": step.action, "error": step.error_name, "message": str(step.error)}
        for step in result.refusals
    ]
    computed = {
        "order_above_approve_and_transfer_from": result.order_overhead,
        "gas_per_request": result.gas_per_request,
    }
    metered = {
        **json_values.fields_of(result.metered),
        "outcomes": list(map(describe_outcome, result.metered.outcomes)),
        "repeated": list(map(describe_outcome, result.metered.repeated)),
    }
    served = None if result.served is None else json_values.fields_of(result.served)
    told = {**json_values.fields_of(result), "metered": metered, "served": served}
    return {**name_plan(result.plan_id), **told, **computed, "refusals": refusals}


class Teller:
    """Printer of the demo for a terminal, a file or a pipe. It adapts to the width."""

    def __init__(self, console: "Console") -> None:
        """Store the console, and start with step 1."""
        self._console = console
        self._number = 0
        self._refused = 0

    def begin(self, title: str) -> None:
        """Print the headline."""
        self._console.print(title, style="bold", soft_wrap=True)
        self._console.print()

    def tell(self, step: "Step") -> None:
        """Print a step. All refused attempts share one step."""
        if step.opens:
            self._console.print(f"{chr(10) if self._number else ''}{step.opens}", style="bold", soft_wrap=True)
        if step.error is None:
            self._refused = 0
            self._write_step(f"The {step.actor} {step.action}.")
            self._write_lines(step.outcome, style="green")
            return
        if self._refused == 0:
            self._write_step(BY_GATEWAY if step.by_gateway else BY_CHAIN)
        self._refused += 1
        self._write_refusal(step.actor, step.action.removeprefix("tries to "), step.error_name)
        if step.by_gateway:
            self._write_lines(shorten(str(step.error)), INDENT * 2, "dim", indent=INDENT * 2)

    def _write_refusal(self, actor: str, attempt: str, error: str) -> None:
        if self._is_narrow:
            self._write_lines(f"{actor}: {attempt}", INDENT)
            self._console.print(f"{INDENT * 2}{error}", style="red", soft_wrap=True)
            return
        line = rich_text.Text(f"{INDENT}{actor:<12}{attempt:<34}")
        self._console.print(line.append(error, style="red"), soft_wrap=True)

    @property
    def _is_narrow(self) -> bool:
        return self._console.width < NARROW

    def _shorten(self, text: str) -> str:
        return shorten(text) if self._is_narrow else text

    def _write_step(self, sentence: str) -> None:
        self._number += 1
        self._write_lines(sentence, f"{self._number:>2}  ")

    def _write_lines(self, text: str, first_indent: str = INDENT, style: str = "", indent: str = INDENT) -> None:
        """Print text after the step's number, wrapped at the console's width."""
        lines = wrap(
            self._shorten(text),
            self._console.width,
            initial_indent=first_indent,
            subsequent_indent=indent,
            break_long_words=False,
        )
        for line in lines:
            self._console.print(line, style=style, soft_wrap=True)

    def close(self, result: "DemoResult") -> None:
        """Print the final balances and costs. The gas per request comes first."""
        self._console.print()
        for sentence, style in describe_gas_per_request(result):
            self._write_lines(sentence, "", style, indent="")
        self._close_table("Balances, read from the chain", build_balances(result))
        paid = f"Paid by the order: {amounts.format_units(result.price_paid, amounts.USDC_DECIMALS)} USDC"
        self._close_table(paid, build_payments(result, self._shorten))
        self._close_table("Gas used", build_gas(result))
        self._console.print()
        self._write_lines(describe_speed(result), "", indent="")
        for hint in find_hints(result):
            self._write_lines(hint, "", "dim", indent="")

    def _close_table(self, title: str, table: "Table") -> None:
        self._console.print()
        self._console.print(title, style="bold", soft_wrap=True)
        width, self._console.width = self._console.width, max(self._console.width, TABLE_WIDTH)
        self._console.print(table, soft_wrap=True)  # a narrow terminal wraps lines, where rich would cut numbers
        self._console.width = width


HINT: Final = (
    "Only the last signature was checked, because a thousand checks are slow without coincurve. To check "
    "all signatures: pip install 'nvm-chain[fast]'"
)
NO_GATEWAY: Final = (
    "There is a third act, a gateway in front of a service, with a hundred paid requests over HTTP. It needs the gateway: "
    "pip install 'nvm-chain[gateway]'"
)


def find_hints(result: "DemoResult") -> Sequence[str]:
    """Return what the demo left out, and what to install for it."""
    is_slow = result.metered.vouchers_checked < result.metered.vouchers_signed
    return [*([HINT] if is_slow else []), *([NO_GATEWAY] if result.served is None else [])]


def shorten(text: str) -> str:
    """Shorten the ids and addresses in a text."""
    return LONG_HEX.sub(r"\1\2…\3", text)


def open_table(*columns: str) -> "Table":
    """Return an empty table with one column of text, followed by columns of numbers."""
    table = rich_table.Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def build_balances(result: "DemoResult") -> "Table":
    """Build the table of the final balances of all accounts."""
    table = open_table("who", "USDC", "credits", "metered credits")
    for role, held in result.balances.items():
        money = amounts.format_units(held["usdc"], amounts.USDC_DECIMALS)
        table.add_row(role, money, f"{held['credits']:,}", f"{held['metered_credits']:,}")
    return table


def build_payments(result: "DemoResult", shorten: Callable[[str], str]) -> "Table":
    """Build the table of the receivers of the order's payment."""
    roles = {address: role for role, address in result.accounts.items()}
    table = open_table("to", "USDC")
    for receiver, amount in result.receivers.items():
        money = amounts.format_units(amount, amounts.USDC_DECIMALS)
        table.add_row(f"{shorten(receiver)}  {roles.get(receiver, '')}", money)
    return table


def build_gas(result: "DemoResult") -> "Table":
    """Build the table of the main operations' gas, and of an order's extra gas over a plain transfer."""
    table = open_table("operation", "gas")
    for name, operation in OPERATIONS.items():
        table.add_row(operation, f"{result.gas[name]:,}")
    metered = result.metered
    settled = f"settle {len(metered.outcomes)} vouchers, {metered.requests:,} requests"
    table.add_row(settled, f"{result.gas['settle']:,}")
    if result.served is not None:
        table.add_row(f"settle {result.served.requests} requests over HTTP", f"{result.gas['settle_served']:,}")
    table.add_row("order above approve and transferFrom", f"{result.order_overhead:,}", style="bold")
    return table


def describe_gas_per_request(result: "DemoResult") -> Sequence[tuple[str, str]]:
    """Return the sentences on the gas of one request, with and without vouchers. Each sentence has its style."""
    each, metered = result.gas_per_request, result.metered
    redemption = f"A redemption on the chain takes {result.gas['redeem']:,} gas."
    price = f"A request by voucher took {each['settle_subscriber']} gas. {redemption}"
    share = f"The voucher took {result.settlement_share:,} gas of the settlement"
    return (price, "bold"), (f"{share}, and paid for {metered.vouchers_signed:,} requests.", "dim")


def describe_speed(result: "DemoResult") -> str:
    """Return the sentences on the time that signing, checking and serving took on this machine."""
    metered, served = result.metered, result.served
    signed, checked, answered = (
        amounts.format_units(milliseconds, 3)
        for milliseconds in (
            metered.signing_milliseconds,
            metered.checking_milliseconds,
            0 if served is None else served.milliseconds,
        )
    )
    sentence = (
        f"{metered.vouchers_signed:,} vouchers signed in {signed} s and {metered.vouchers_checked:,} checked in {checked} s, "
        "without a transaction."
    )
    return (
        sentence
        if served is None
        else f"{sentence} {served.requests} requests over HTTP paid and answered in {answered} s."
    )
