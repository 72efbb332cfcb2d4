"""Options of `nvm-chain agent import-openapi`: the agent, the choice of operations, and their costs."""

from typing import TYPE_CHECKING, Any, Final

import click

from nvm_chain.cli.lazy import errors
from nvm_chain.cli.parameters import AgentId, PlanCost, Range, Text, name_of

if TYPE_CHECKING:
    from collections.abc import Callable


class SelectorCost(click.ParamType):
    """Type of a selector with the credits of one request, as SELECTOR=N or SELECTOR=MIN..MAX."""

    name = "selector=n|min..max"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the selector, the lower and the upper limit. Raises InvalidConfig without a cost, or InvalidAmount."""
        if isinstance(value, tuple):
            return value
        selector, found, cost = value.rpartition("=")
        if not found:
            raise errors.InvalidConfig(
                f"{name_of(param)} {value!r} has no cost", "give tag:NAME=5, or a range such as /reports/*=1..5"
            )
        return selector, Range().convert(cost, param, ctx)


class Variable(click.ParamType):
    """Type of a server variable with its value, as NAME=VALUE."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name and the value. Raises InvalidConfig."""
        if isinstance(value, tuple):
            return value
        name, found, text = value.partition("=")
        if not found:
            raise errors.InvalidConfig(f"{name_of(param)} {value!r} is not NAME=VALUE, such as region=eu")
        return name, text


TARGET_OPTIONS: Final = (
    click.option("--name", help="Name of the new agent."),
    click.option("--description", default="", help="Description of the new agent."),
    click.option("--tag", "tags", multiple=True, help="Tag of the new agent. Repeat for each tag."),
    click.option(
        "--plan",
        "plans",
        type=PlanCost(),
        multiple=True,
        help="Plan that the new agent accepts, with the credits of one request. Repeat for each plan.",
    ),
    click.option(
        "--agent",
        type=AgentId(),
        help="Agent that gets the endpoints in place of its own. Its other metadata stays.",
    ),
)
CHOICE_OPTIONS: Final = (
    click.option(
        "--include",
        metavar="SELECTOR",
        multiple=True,
        help="Publish only these operations: tag:NAME, a path such as /pets/*, a method and a path, or an operation id. "
        "* stands for any text. Repeat for more.",
    ),
    click.option("--exclude", metavar="SELECTOR", multiple=True, help="Leave out these operations. Repeat for more."),
    click.option(
        "--open",
        "open_operations",
        metavar="SELECTOR",
        multiple=True,
        help="Publish these operations as free of charge. Repeat for more.",
    ),
    click.option(
        "--cost",
        "costs",
        type=SelectorCost(),
        multiple=True,
        help="Credits of a request to these operations. The last cost for an operation counts. Repeat for more.",
    ),
    click.option(
        "--server",
        type=Text(),
        metavar="URL",
        default="",
        help="URL of the service, in place of the document's. Relative server URLs are resolved against it.",
    ),
    click.option(
        "--server-variable",
        "server_variables",
        type=Variable(),
        multiple=True,
        help="Value of a variable in the document's server URLs. Repeat for more.",
    ),
    click.option(
        "--allow-overlap",
        is_flag=True,
        help="Accept an endpoint that matches an operation chosen for another access or cost.",
    ),
    click.option("--dry-run", "sends_nothing", is_flag=True, help="Show what would be public, and send nothing."),
    click.option("--yes", is_flag=True, help="Publish without asking."),
)


def import_options(function: "Callable[..., None]") -> "Callable[..., None]":
    """Add the options of an import to a command."""
    for option in reversed((*TARGET_OPTIONS, *CHOICE_OPTIONS)):
        function = option(function)
    return function
