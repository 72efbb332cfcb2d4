"""Shapes: the dictionaries that callers of the Payments API describe agents with, read as typed metadata."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, Final

from nvm_chain.endpoints import Endpoint
from nvm_chain.errors import InvalidAmount, InvalidConfig, InvalidMetadata, NeedsVendor
from nvm_chain.file_entries import read_file_entry
from nvm_chain.metadata import AgentMetadata, PlanMetadata, read_endpoint
from nvm_chain.payments.sdk_names import AgentAPIAttributes
from nvm_chain.payments.sdk_names import Endpoint as SdkEndpoint

CREDENTIALS: Final = ("username", "password", "token", "apiKey", "headers")
_CREDENTIALS_WAY: Final = (
    "leave it out here, where everybody could read it, and give it to your gateway, which calls the service"
)


def check_kind(name: str, value: object, kinds: type | tuple[type, ...], example: str) -> None:
    """Raise InvalidConfig for a value that is none of some types."""
    if not isinstance(value, kinds):
        raise InvalidConfig(f"{name} is {type(value).__name__}; give one such as {example}")


def read_amount(value: int | str, name: str) -> int:
    """Return an amount of credits or base units given as an int or as decimal digits. Raises InvalidAmount.

    >>> read_amount("12", "amount")
    12
    """
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 78):
            raise InvalidAmount(f"{name} {value!r}", "is no whole number in decimal digits, such as '12'")
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount(f"{name} {value!r}", "is neither a whole number nor its decimal digits")
    return value


def read_plan_metadata(value: PlanMetadata | Mapping[str, Any]) -> PlanMetadata:
    """Return a plan's metadata given as such or as a dictionary, in either spelling of its names. Raises InvalidMetadata."""
    if isinstance(value, PlanMetadata):
        return value
    known, extras = _split(_read_dictionary(value, "a plan's metadata"), PlanMetadata)
    return PlanMetadata(**{"name": "", **known}, extras=extras)


def read_agent_shape(
    metadata: AgentMetadata | Mapping[str, Any], api: AgentAPIAttributes | Mapping[str, Any] | None = None
) -> AgentMetadata:
    """Join an agent's metadata and its API attributes, dictionaries in either spelling of their names.

    ``api`` is ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``; an endpoint may also be ``{"verb": …, "url": …}``.
    Raises InvalidMetadata, InvalidEndpoint, and NeedsVendor for credentials: metadata is public.
    """
    described = _describe(metadata)
    attributes = _read_dictionary(api or {}, "an agent's API")
    refuse_credentials({_camel(name): value for name, value in attributes.items()})
    public = {name: value for name, value in attributes.items() if _camel(name) not in CREDENTIALS}
    known, extras = _split({**described, **public}, AgentMetadata)
    if "endpoints" in known:
        known["endpoints"] = [_read_endpoint(endpoint) for endpoint in _read_list("endpoints", known["endpoints"])]
    if "files" in known:
        known["files"] = [read_file_entry(file) for file in _read_list("files", known["files"])]
    return AgentMetadata(**{"name": "", **known}, extras=extras)


def _describe(metadata: AgentMetadata | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(metadata, AgentMetadata):
        names = (*metadata.TEXTS, *metadata.LISTS)
        return {**{name: getattr(metadata, name) for name in names}, **metadata.extras}
    return _read_dictionary(metadata, "an agent's metadata")


def _read_dictionary(value: object, name: str) -> dict[str, Any]:
    if isinstance(value, AgentAPIAttributes):
        value = {own.name: getattr(value, own.name) for own in fields(value)}
    if not isinstance(value, Mapping):
        raise InvalidConfig(f"{name} is a dictionary, not {type(value).__name__}")
    return {str(key): item for key, item in value.items() if item is not None}


def _split(
    values: Mapping[str, Any], kind: type[AgentMetadata] | type[PlanMetadata]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what has a field of its own, in either spelling, from what has not."""
    spelled = {**kind.TEXTS, **{name: spelling for name, (spelling, _) in kind.LISTS.items()}, **kind.FLAGS}
    fields = {**{spelling: name for name, spelling in spelled.items()}, **{name: name for name in spelled}}
    known = {fields[name]: _plain(value) for name, value in values.items() if name in fields}
    extras = {_camel(name): _plain(value) for name, value in values.items() if name not in fields and name != "extras"}
    further = values.get("extras", {})
    if not isinstance(further, Mapping):
        raise InvalidMetadata("extras", "it is no mapping")
    return known, {**extras, **further}


def _plain(value: Any) -> Any:
    """Return a date as its text; anything else as it is."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def _read_list(name: str, value: object) -> Iterable[Any]:
    if not isinstance(value, list | tuple):
        raise InvalidMetadata(name, "it is no list")
    return value


def _read_endpoint(value: Any) -> Endpoint:
    return read_endpoint({"verb": value.verb, "url": value.url} if isinstance(value, SdkEndpoint) else value)


def refuse_credentials(values: Mapping[str, Any]) -> None:
    """Raise NeedsVendor if there are credentials for a service: a vendor would keep them, metadata would publish them."""
    given = [name for name in CREDENTIALS if values.get(name)]
    if given:
        raise NeedsVendor(f"anybody who keeps a service's {given[0]} secret", _CREDENTIALS_WAY)


def read_extras(**values: object) -> dict[str, Any]:
    """Return further fields as the JSON spells them, without those that were not given.

    >>> read_extras(data_schema="a,b", sample_code=None)
    {'dataSchema': 'a,b'}
    """
    return {_camel(name): value for name, value in values.items() if value is not None}
