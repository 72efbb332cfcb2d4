"""The table `[facilitator]` of a configuration file: which servers may ask the gateway to settle, and what it spends at most."""

from typing import Final

from eth_typing import ChecksumAddress

from nvm_chain.gateway.configuration.services import MOST
from nvm_chain.gateway.configuration.tables import Table
from nvm_chain.gateway.facilitator.settings import FacilitatorPart
from nvm_chain.types.addresses import parse_address
from nvm_chain.types.ids import format_did, parse_agent_id
from nvm_chain.x402.facilitator.callers import HOW, Caller, build_caller

KEYS: Final = (
    *("callers", "assets", "factories", "least", "gas", "wait"),
    *("per_account", "per_day", "per_minute", "gas_per_day", "gwei", "failures"),
)
CALLER_KEYS: Final = ("name", "token", "pay_to", "services")
MOST_GAS: Final = 10_000_000
MOST_GAS_PER_DAY: Final = 10**12
MOST_WAIT: Final = 80
"""Stock clients wait 90 seconds for an answer."""


def read_facilitator(table: Table) -> FacilitatorPart | None:
    """Return the facilitator of a gateway. None if the table has no callers and nothing else. Raises InvalidConfig."""
    if not any(key in table for key in KEYS):
        return None
    usual = FacilitatorPart(())
    callers = tuple(_read_caller(each) for each in table.read_tables("callers", CALLER_KEYS))
    if not callers:
        raise table.refuse("callers", "is missing", "write [[facilitator.callers]] with a name and a token below it")
    names = [caller.name for caller in callers]
    if len(set(names)) != len(names):
        raise table.refuse("callers", "has a name twice", "write each caller once")
    wait = table.read_duration("wait", usual.wait_seconds)
    if wait > MOST_WAIT:
        raise table.refuse("wait", "is longer than stock clients wait", f"give at most {MOST_WAIT} seconds")
    return FacilitatorPart(
        callers=callers,
        tokens=_read_addresses(table, "assets"),
        factories=_read_addresses(table, "factories"),
        least=table.read_number("least", usual.least, 1, MOST),
        gas=table.read_number("gas", usual.gas, 50_000, MOST_GAS),
        per_account=table.read_number("per_account", usual.per_account, 1, MOST),
        per_day=table.read_number("per_day", usual.per_day, 1, MOST),
        per_minute=table.read_number("per_minute", usual.per_minute, 1, MOST),
        gas_per_day=table.read_number("gas_per_day", usual.gas_per_day, 50_000, MOST_GAS_PER_DAY),
        gwei=table.read_number("gwei", usual.gwei, 1, MOST),
        failures=table.read_number("failures", usual.failures, 1, MOST),
        wait_seconds=wait,
    )


def _read_addresses(table: Table, key: str) -> tuple[ChecksumAddress, ...]:
    with table.naming(key):
        return tuple(parse_address(each, "address") for each in table.read_texts(key))


def _read_caller(table: Table) -> Caller:
    table.require("name", 'write a name such as "shop"')
    table.require("token", HOW)
    with table.naming():
        services = tuple(format_did(parse_agent_id(each)) for each in table.read_texts("services"))
        return build_caller(table.read_text("name"), table.read_text("token"), table.read_texts("pay_to"), services)
