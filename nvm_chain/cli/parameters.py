"""Types of the command line's parameters. Each type converts text to a checked value, or raises an error."""

import re
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import click

from nvm_chain.cli.lazy import addresses, errors, ids, order_names

TOKEN_UNITS = ("USDC", "ETH")
LARGER_THAN_AGENTS = 2**64
"""Smallest number that is too large for an agent's id. Agents are counted from 1, and plan ids are hashes."""
ID_DIGITS = 64
ADDRESS_DIGITS = 40


def refuse_key(value: str, name: str) -> None:
    """Raise KeyFailure if a parameter's text looks like a private key."""
    if re.search(r"(?<![0-9a-fA-F])(?<!did:nv:)[0-9a-fA-F]{64}(?![0-9a-fA-F])", value):  # a did is public
        problem = (
            f"{name} looks like a private key. Everyone on this machine can read a command line, and your shell keeps it: "
            "treat that key as stolen"
        )
        raise errors.KeyFailure("the command line", problem, "give the next one with --keyfile or --key-env")


def name_of(parameter: click.Parameter | None) -> str:
    """Return a parameter's name as users type it."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name.removesuffix("...") if parameter is not None else "value"


def parse_count(text: str, name: str, problem: str) -> int:
    """Return a whole number written in digits. Raises InvalidAmount."""
    if not re.fullmatch(r"[0-9]{1,78}", text):
        raise errors.InvalidAmount(f"{name} {text[:90]!r}", problem)
    return int(text)


class Text(click.ParamType):
    """Type of a text such as a path or a variable's name. Refuses a private key."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the text."""
        refuse_key(value, name_of(param))
        return value


class Address(click.ParamType):
    """Type of an address, with a correct checksum or in lower-case letters."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the address with its checksum. Raises InvalidAddress or KeyFailure."""
        refuse_key(value, name_of(param))
        return addresses.parse_address(value, name_of(param))


class Token(Address):
    """Type of a price's unit: a token's address, USDC, or ETH for the native coin."""

    name = "address|usdc|eth"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the address with its checksum, or the unit. Raises InvalidAddress or KeyFailure."""
        if isinstance(value, str) and value.upper() in TOKEN_UNITS:
            return value.upper()
        return super().convert(value, param, ctx)


class Pair(click.ParamType):
    """Type of an address with a value, as ADDRESS=TEXT."""

    def __init__(self, name: str) -> None:
        """Store the form that help and errors show, such as HOLDER=CREDITS."""
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the address and the text. Raises InvalidConfig, InvalidAddress or KeyFailure."""
        if isinstance(value, tuple):
            return value
        refuse_key(value, name_of(param))
        address, found, text = value.partition("=")
        if not found:
            raise errors.InvalidConfig(f"{name_of(param)} {value!r} is not {self.name}, such as 0x…=10")
        return addresses.parse_address(address.strip(), name_of(param)), text.strip()


def find_short_id(value: Any) -> str:
    """Return the digits of hexadecimal text that is too short for an id. Empty if the value is something else."""
    match = re.fullmatch(r"\s*0x([0-9a-fA-F]{1,63})\s*", value) if isinstance(value, str) else None
    return match[1] if match else ""


def explain_short_id(error: Any, digits: str, ctx: click.Context | None) -> Any:
    """Add to an error what hexadecimal text with too few digits may be: an address, or the beginning of an id."""
    if len(digits) != ADDRESS_DIGITS:
        missing = f"it has {len(digits)} hexadecimal digits, {ID_DIGITS - len(digits)} too few"
        return error.explain(missing, f"copy all of it: an id has {ID_DIGITS} digits, with its zeros in front")
    usage = " ".join([ctx.command_path, *ctx.command.collect_usage_pieces(ctx)]) if ctx is not None else ""
    advice = f"the order is `{usage}`" if usage else "give the id in its place"
    return error.explain("it is an address", advice)


class PlanId(click.ParamType):
    """Type of a plan id: an integer, 0x and 64 hexadecimal digits, or a did:nv:."""

    name = "plan"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the id as an int. Raises InvalidPlanId, also for fewer than 64 hexadecimal digits."""
        digits = find_short_id(value)
        if digits:
            raise explain_short_id(errors.InvalidPlanId(value), digits, ctx)
        return ids.parse_plan_id(value)


class AgentId(click.ParamType):
    """Type of an agent's id: an integer, 0x and 64 hexadecimal digits, or a did:nv:."""

    name = "agent"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the id as an int. Raises InvalidAgentId, or IdOfAnotherKind if the id is too large for an agent."""
        digits = find_short_id(value)
        if digits:
            raise explain_short_id(errors.InvalidAgentId(value), digits, ctx)
        number = ids.parse_agent_id(value)
        if number >= LARGER_THAN_AGENTS:
            raise errors.IdOfAnotherKind(value, "a plan", "an agent", "show it with `nvm-chain plan show`")
        return number


class Url(click.ParamType):
    """Type of an http or https URL. Errors never show the URL, because it may contain an access key."""

    name = "url"
    SCHEMES = frozenset({"http", "https"})

    def __init__(self, whose: str = "a node", example: str = "http://127.0.0.1:8545") -> None:
        """Store the owner of the URL and an example, for the errors."""
        self._problem = f"it is not an http or https URL of {whose}, such as {example}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the URL."""
        self.check(value, param, ctx)
        return value

    def check(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
        """Raise an error if the text is not a URL."""
        try:
            parts = urlsplit(value)
            usable = parts.scheme in self.SCHEMES and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.fail(self._problem, param, ctx)


class NodeUrls(Url):
    """Type of a node's URL: http, https, ws, wss or `ipc:///path`. Commas separate several nodes of one chain."""

    SCHEMES = frozenset({"http", "https", "ws", "wss"})

    def __init__(self) -> None:
        """Add the other schemes of a node to the error's text."""
        super().__init__()
        self._problem += ", nor one of ws, wss or ipc"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the text of the URLs unchanged."""
        for url in value.split(","):
            if not (url.strip().startswith("ipc://") or ("://" not in url and url.strip().endswith(".ipc"))):
                self.check(url.strip(), param, ctx)
        return value


class Range(click.ParamType):
    """Type of a number of credits, or of a range such as 1..5."""

    name = "n|min..max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the lower and the upper limit. Raises InvalidAmount."""
        if isinstance(value, tuple):
            return value
        least, found, most = value.partition("..")
        problem = "is not a number of credits; give 1, or a range such as 1..5"
        numbers = [parse_count(part, name_of(param), problem) for part in (least, most if found else least)]
        return numbers[0], numbers[1]


class PlanCost(click.ParamType):
    """Type of a plan with the credits of one request, as PLAN=N or PLAN=MIN..MAX."""

    name = "plan=n|min..max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the plan's id, the lower and the upper limit.

        Raises InvalidConfig without a cost, InvalidPlanId or InvalidAmount.
        """
        if isinstance(value, tuple):
            return value
        plan, found, cost = value.rpartition("=")
        if not found:
            raise errors.InvalidConfig(
                f"{name_of(param)} has a plan without the cost of a request",
                "give PLAN=1, or a range such as PLAN=1..5",
            )
        return PlanId().convert(plan, param, ctx), *Range().convert(cost, param, ctx)


class Context(click.ParamType):
    """Type of a request's id: a UUID, 0x and up to 64 hexadecimal digits, or a short text."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a UUID, bytes, or the unchanged text."""
        if not isinstance(value, str):
            return value
        if re.fullmatch(r"0x([0-9a-fA-F]{2}){1,32}", value):
            return bytes.fromhex(value[2:])
        if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value):
            return UUID(value)
        return value


class OrderName(click.ParamType):
    """Type of an order's name."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name without blanks around it. Raises InvalidConfig if the name is empty."""
        return order_names.parse_order_name(value)


class Bytes32(click.ParamType):
    """Type of 32 bytes, as 0x and 64 hexadecimal digits."""

    name = "hex"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the bytes."""
        if isinstance(value, str) and not re.fullmatch(r"0x[0-9a-fA-F]{64}", value):
            self.fail("it is not 0x and 64 hexadecimal digits", param, ctx)
        return bytes.fromhex(value[2:]) if isinstance(value, str) else value
