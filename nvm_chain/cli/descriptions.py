"""Metadata of plans and agents: reads it from options or a file, and shows metadata that the chain stores."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nvm_chain.cli.deferred import failures
from nvm_chain.cli.lazy import endpoints, errors, metadata
from nvm_chain.cli.output import Rows
from nvm_chain.cli.parameters import Text

if TYPE_CHECKING:
    from nvm_chain.metadata import AgentMetadata

METADATA_OPTIONS = (
    click.option("--name", help="Name of the agent. With a name, the metadata is stored on the chain."),
    click.option("--description", default="", help="Description of the agent."),
    click.option("--tag", "tags", multiple=True, help="Tag of the agent. Repeat for each tag."),
    click.option(
        "--endpoint",
        "paid",
        metavar="METHOD=URL",
        multiple=True,
        help="Paid endpoint of the agent. In the path, :name stands for one segment and *name for one or more. "
        "Repeat for each endpoint.",
    ),
    click.option(
        "--open",
        "open_urls",
        metavar="URL",
        multiple=True,
        help="Free endpoint of the agent. Repeat for each endpoint.",
    ),
    click.option(
        "--metadata",
        "file",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="JSON file with all metadata, in place of the options above.",
    ),
    click.option("--uri", type=Text(), help="URI of metadata that is stored outside the chain."),
)


def agent_metadata_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of an agent's metadata."""
    for option in reversed(METADATA_OPTIONS):
        function = option(function)
    return function


def read_agent_metadata(
    *,
    name: str | None,
    description: str,
    tags: tuple[str, ...],
    paid: tuple[str, ...],
    open_urls: tuple[str, ...],
    file: Path | None,
    uri: str | None,
) -> "AgentMetadata | str":
    """Return the agent's metadata from the options, or the given URI.

    Raises InvalidConfig, InvalidMetadata or SecretInMetadata.
    """
    if [name, file, uri].count(None) != 2:
        raise errors.InvalidConfig("the metadata is missing or given twice", "give one of --name, --metadata and --uri")
    if name is None and (description or tags or paid or open_urls):
        raise errors.InvalidConfig("--description, --tag, --endpoint and --open need --name", "give --name too")
    if file is not None:
        return metadata.parse_metadata(_read_file(file))
    if name is None:
        return uri or ""
    pairs = tuple(endpoints.Endpoint(*_split_endpoint(text)) for text in paid)
    return metadata.AgentMetadata(name, description, tags=tags, endpoints=pairs, open_endpoints=open_urls)


def _split_endpoint(text: str) -> tuple[str, str]:
    method, found, url = text.partition("=")
    if not found:
        raise errors.InvalidConfig("--endpoint is METHOD=URL, such as POST=https://example.com/tasks")
    return method, url


def _read_file(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"it cannot be read ({failures.explain_unreadable(error)})"
        raise errors.InvalidMetadata(str(path), problem) from None


def build_plan_uri(name: str | None, description: str, uri: str) -> str:
    """Return the URI of a plan's metadata. With a name, the URI holds the metadata itself.

    Raises InvalidConfig, SecretInMetadata.
    """
    if name is not None and uri:
        raise errors.InvalidConfig("--uri and --name contradict each other", "give one of them")
    if name is None and description:
        raise errors.InvalidConfig("--description needs --name", "give --name too")
    return uri if name is None else metadata.build_metadata_uri(metadata.PlanMetadata(name, description))


# ---------------------------------------------------------------- show


@dataclass(frozen=True, slots=True)
class Described:
    """A URI and its metadata.

    ``known`` is None if the metadata is not on the chain or cannot be read. ``problem`` says why it cannot be read.
    """

    uri: str
    known: Any = None
    problem: str = ""

    def as_json(self) -> "dict[str, Any] | None":
        """Return the metadata as a JSON object, or None if there is none."""
        return None if self.known is None else metadata.describe_metadata(self.known)

    def rows(self) -> Rows:
        """Return the rows of the metadata in a text answer. Without readable metadata the row is the URI."""
        if self.known is None:
            shown = f"it cannot be read: {self.problem}" if self.problem else self.uri or "none"
            return [("metadata", shown)]
        rows: Rows = [("name", self.known.name)]
        rows += [("description", self.known.description)] if self.known.description else []
        rows += [("tags", ", ".join(self.known.tags))] if self.known.tags else []
        rows += [("endpoint", f"{each.method} {each.url_pattern}") for each in getattr(self.known, "endpoints", ())]
        rows += [("open", url) for url in getattr(self.known, "open_endpoints", ())]
        rows += [("file", each.name) for each in getattr(self.known, "files", ())]
        return rows


def read_plan_description(uri: str) -> Described:
    """Parse a plan's metadata if its URI contains it. Makes no request."""
    return _read(uri, lambda: metadata.parse_plan_metadata(metadata.parse_data_uri(uri)))


def read_agent_description(uri: str) -> Described:
    """Parse an agent's metadata if its URI contains it. Makes no request."""
    return _read(uri, lambda: metadata.parse_metadata_uri(uri))


def _read(uri: str, parse: Callable[[], Any]) -> Described:
    if not metadata.is_data_uri(uri):
        return Described(uri)
    try:
        return Described(uri, parse())
    except errors.InputError as error:  # whoever registered it may have written anything
        return Described(uri, problem=str(error))
