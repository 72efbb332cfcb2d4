"""Metadata documents of plans and agents: typed, with one JSON form, and checked for secrets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from typing import Any, ClassVar, TypeVar

from nvm_chain.errors import InvalidConfig, InvalidEndpoint, InvalidMetadata
from nvm_chain.metadata.canonical_json import format_canonical_json
from nvm_chain.metadata.data_uris import MAX_JSON, build_data_uri, is_data_uri, parse_data_uri
from nvm_chain.metadata.endpoints import Endpoint, parse_url_pattern
from nvm_chain.metadata.file_entries import FileEntry, describe_file, read_file_entry
from nvm_chain.metadata.secret_scan import refuse_secrets
from nvm_chain.types.json_text import parse_json


@dataclass(frozen=True, slots=True)
class Metadata:
    """The fields that metadata of plans and metadata of agents share. Use PlanMetadata or AgentMetadata.

    ``date_created`` is ISO 8601 text. ``images`` are URLs. ``extras`` has any other JSON fields. A tuple may be given
    as a list, and an empty field as None. Metadata is public for ever, so secrets are refused.

    Raises InvalidMetadata. Raises SecretInMetadata for a token, password or key, and for a text that looks like one.
    """

    name: str
    description: str = ""
    author: str = ""
    tags: Sequence[str] = ()
    date_created: str = ""
    license: str = ""
    integration: str = ""
    sample_link: str = ""
    api_description: str = ""
    images: Sequence[str] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    TEXTS: ClassVar[Mapping[str, str]] = {
        "name": "name",
        "description": "description",
        "author": "author",
        "date_created": "dateCreated",
        "license": "license",
        "integration": "integration",
        "sample_link": "sampleLink",
        "api_description": "apiDescription",
    }
    """The text fields, with their names in JSON."""
    LISTS: ClassVar[Mapping[str, tuple[str, type]]] = {"tags": ("tags", str), "images": ("images", str)}
    """The list fields, with their names in JSON and the types of their items."""
    FLAGS: ClassVar[Mapping[str, str]] = {}
    """The boolean fields, with their names in JSON. All other names in JSON belong to ``extras``."""

    def __post_init__(self) -> None:
        """Check every field, then the size, and last search for secrets. The search is slow for long texts."""
        _check_fields(self)
        taken = set(_spelling(type(self)).values()) & set(self.extras)
        if taken:
            raise InvalidMetadata("extras", f"{min(taken)} has a field of its own")
        format_metadata(self)
        refuse_secrets(describe_metadata(self))


@dataclass(frozen=True, slots=True)
class PlanMetadata(Metadata):
    """The metadata of a plan: its name, and information for buyers. The terms are on the chain, and not in metadata.

    ``is_trial_plan`` says that the plan is a trial, which each holder gets once. `nvm_chain.Payments` registers such a
    plan as a trial.

    >>> PlanMetadata(name="My Credits Plan", tags=["test"]).tags
    ('test',)
    """

    is_trial_plan: bool = False

    FLAGS: ClassVar[Mapping[str, str]] = {"is_trial_plan": "isTrialPlan"}


@dataclass(frozen=True, slots=True)
class AgentMetadata(Metadata):
    """The metadata of an agent or another asset. ``agent_type`` is, for example, agent, service, dataset or file.

    ``open_endpoints`` are URL patterns of requests that cost nothing. Raises the errors of `Metadata`, and
    InvalidEndpoint.
    """

    agent_type: str = "agent"
    endpoints: Sequence[Endpoint] = ()
    open_endpoints: Sequence[str] = ()
    files: Sequence[FileEntry] = ()

    TEXTS: ClassVar[Mapping[str, str]] = {**Metadata.TEXTS, "agent_type": "agentType"}
    LISTS: ClassVar[Mapping[str, tuple[str, type]]] = {
        **Metadata.LISTS,
        "endpoints": ("endpoints", Endpoint),
        "open_endpoints": ("openEndpoints", str),
        "files": ("files", FileEntry),
    }

    def __post_init__(self) -> None:
        """Check the fields as `Metadata` does, and the URL patterns of open endpoints."""
        super(AgentMetadata, self).__post_init__()
        for url_pattern in self.open_endpoints:
            parse_url_pattern(url_pattern)


AnyMetadata = TypeVar("AnyMetadata", bound=Metadata)


def _spelling(kind: type[Metadata]) -> dict[str, str]:
    """Return the name in JSON of each field, without ``extras``."""
    return {**kind.TEXTS, **{name: spelled for name, (spelled, _) in kind.LISTS.items()}, **kind.FLAGS}


def _check_fields(metadata: Metadata) -> None:
    for own in fields(metadata):
        if getattr(metadata, own.name) is None and own.name != "name":
            default = own.default if own.name != "extras" else {}
            object.__setattr__(metadata, own.name, default)
    for name in metadata.TEXTS:
        _check_text(name, getattr(metadata, name))
    if not metadata.name:
        raise InvalidMetadata("name", "it is empty")
    _check_date(metadata.date_created)
    for name, (_, kind) in metadata.LISTS.items():
        object.__setattr__(metadata, name, _check_list(name, getattr(metadata, name), kind))
    for name in metadata.FLAGS:
        if not isinstance(getattr(metadata, name), bool):
            raise InvalidMetadata(name, "it is neither true nor false")
    if not isinstance(metadata.extras, Mapping):
        raise InvalidMetadata("extras", "it is not a mapping")


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidMetadata(name, f"it is not text but {type(value).__name__}")


def _check_date(text: str) -> None:
    try:
        datetime.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise InvalidMetadata(
            "date_created", "it is not a date as ISO 8601 has it, such as 2026-01-31T12:00:00Z"
        ) from None


def _check_list(name: str, value: object, kind: type) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list) or not all(isinstance(item, kind) for item in value):
        raise InvalidMetadata(name, f"it is not a list of {kind.__name__}")
    return tuple(value)


# ---------------------------------------------------------------- JSON


def describe_metadata(metadata: Metadata) -> dict[str, Any]:
    """Return metadata as a JSON object. Empty fields are left out.

    >>> describe_metadata(AgentMetadata("Echo", endpoints=(Endpoint("POST", "https://example.com/:x"),)))
    {'name': 'Echo', 'agentType': 'agent', 'endpoints': [{'POST': 'https://example.com/:x'}]}
    """
    spelling = _spelling(type(metadata))
    values = {spelled: _describe(getattr(metadata, name)) for name, spelled in spelling.items()}
    return {**{name: value for name, value in values.items() if value}, **metadata.extras}


def _describe(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_describe(item) for item in value]
    if isinstance(value, Endpoint):
        return {value.method: value.url_pattern}
    return describe_file(value) if isinstance(value, FileEntry) else value


def format_metadata(metadata: Metadata) -> str:
    """Write metadata as canonical JSON (RFC 8785): the text that is hashed.

    Raises:
        InvalidMetadata: The text has more than 16,384 bytes, a value is not JSON, or a number is 2**53 or more.
    """
    text = format_canonical_json(describe_metadata(metadata))
    size = len(text.encode())
    if size > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has {size} bytes, and at most {MAX_JSON} are allowed")
    return text


def hash_metadata(metadata: Metadata) -> str:
    """Return the SHA-256 hash of the canonical JSON in UTF-8, as 64 hexadecimal digits. Stores use it as a name.

    >>> hash_metadata(PlanMetadata("Basic"))[:8]
    'f857d945'
    """
    return sha256(format_metadata(metadata).encode()).hexdigest()


def parse_metadata(text: str) -> AgentMetadata:
    """Read an agent's metadata from JSON. No network. Raises InvalidMetadata, InvalidEndpoint or SecretInMetadata."""
    return _parse(text, AgentMetadata, {"agent_type": ""})


def parse_plan_metadata(text: str) -> PlanMetadata:
    """Read a plan's metadata from JSON. No network. Raises InvalidMetadata or SecretInMetadata.

    >>> parse_plan_metadata('{"name":"Basic","isTrialPlan":true}').is_trial_plan
    True
    """
    return _parse(text, PlanMetadata, {})


def _parse(text: str, kind: type[AnyMetadata], absent: Mapping[str, Any]) -> AnyMetadata:
    values = _read_object(text)
    refuse_secrets(values)
    return read_metadata(values, kind, **absent)


def read_metadata(values: Mapping[str, Any], kind: type[AnyMetadata], **absent: Any) -> AnyMetadata:
    """Read metadata from a JSON object, as `describe_metadata` returns it. ``absent`` has the values of missing fields.

    Raises InvalidMetadata, InvalidEndpoint or SecretInMetadata.

    >>> read_metadata({"name": "Basic", "colour": "blue"}, PlanMetadata).extras
    {'colour': 'blue'}
    """
    spelling = _spelling(kind)
    known = {name: values[spelled] for name, spelled in spelling.items() if spelled in values}
    for name in set(kind.LISTS) & set(known):
        known[name] = _read_list(kind.LISTS[name][0], known[name])
    extras = {name: value for name, value in values.items() if name not in spelling.values()}
    return kind(**{"name": "", **absent, **known}, extras=extras)


def _read_object(text: str) -> dict[str, Any]:
    if len(text) > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has more than {MAX_JSON} bytes")
    try:
        values = parse_json(text, _refuse_repeated)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, InvalidMetadata) else InvalidMetadata("as JSON", "it is not JSON") from None
    if not isinstance(values, dict):
        raise InvalidMetadata("as JSON", "it is not an object")
    return values


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dictionary. Refuse a repeated name, because programs would disagree about its value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidMetadata("as JSON", "it has a name twice in one object")
    return found


def _read_list(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InvalidMetadata(name, "it is not a list")
    readers = {"endpoints": read_endpoint, "files": read_file_entry}
    return tuple(map(readers[name], value)) if name in readers else tuple(value)


def read_endpoint(value: object) -> Endpoint:
    """Read an endpoint from a JSON object.

    The object has the form ``{"POST": "https://…"}`` or ``{"verb": "POST", "url": "https://…"}``.

    Raises InvalidMetadata or InvalidEndpoint.

    >>> read_endpoint({"POST": "https://example.com/tasks"}).method
    'POST'
    """
    if isinstance(value, Endpoint):
        return value
    if isinstance(value, Mapping) and set(value) == {"verb", "url"} and isinstance(value["verb"], str):
        value = {value["verb"]: value["url"]}
    if not isinstance(value, Mapping) or len(value) != 1:
        raise InvalidMetadata("endpoints", 'each is an object of one method and URL pattern, {"POST": "https://…"}')
    ((method, url_pattern),) = value.items()
    if not isinstance(url_pattern, str):
        raise InvalidEndpoint(str(method), "its URL pattern is not text")
    return Endpoint(method, url_pattern)


# ---------------------------------------------------------------- data URI


def build_metadata_uri(metadata: Metadata) -> str:
    """Write metadata as a ``data:`` URI. A plan or agent with this URI has its metadata on the chain, without a server.

    >>> build_metadata_uri(AgentMetadata("Echo", agent_type=""))
    'data:application/json;base64,eyJuYW1lIjoiRWNobyJ9'
    """
    return build_data_uri(format_metadata(metadata))


def check_public_uri(uri: object, rule: str = "a URI is text that can be printed") -> str:
    """Return a URI if it may be written to the chain, where it stays public for ever. No network.

    Raises:
        InvalidConfig: The URI is not printable text.
        InvalidMetadata: The URI is a ``data:`` URI without a JSON object in it.
        SecretInMetadata: The URI has a user name, or a secret in its query, or its metadata has a secret.
    """
    if not isinstance(uri, str) or not uri.isprintable():
        raise InvalidConfig(f"{rule}, not {uri!r}")
    if is_data_uri(uri):
        refuse_secrets(_read_object(parse_data_uri(uri)))
    else:
        refuse_secrets(uri, "URI")
    return uri


def parse_metadata_uri(uri: str) -> AgentMetadata:
    """Read an agent's metadata from a ``data:`` URI. No network.

    The form of the metadata is checked, but not whether its author tells the truth. Raises InvalidMetadata,
    InvalidEndpoint or SecretInMetadata.
    """
    return parse_metadata(parse_data_uri(uri))
