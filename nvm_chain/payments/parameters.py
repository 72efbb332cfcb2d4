"""Shapes: the dictionaries that callers of the Payments API describe agents with, read as typed metadata."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any, Final

from nvm_chain.errors import InvalidAmount, InvalidConfig, InvalidMetadata, NeedsVendor
from nvm_chain.metadata.documents import AgentMetadata, PlanMetadata, describe_metadata, read_metadata
from nvm_chain.payments.sdk_names import AgentAPIAttributes
from nvm_chain.payments.sdk_names import Endpoint as SdkEndpoint

CREDENTIALS: Final = ("username", "password", "token", "apiKey", "headers")
_CREDENTIALS_ADVICE: Final = (
    "leave it out here, where everybody could read it, and give it to your gateway, which calls the service"
)


def check_kind(name: str, value: object, kinds: type | tuple[type, ...], example: str) -> None:
    """Raise InvalidConfig unless a value is of one of some types."""
    if not isinstance(value, kinds):
        raise InvalidConfig(f"{name} is {type(value).__name__}", f"give one such as {example}")


def read_amount(value: int | str, name: str) -> int:
    """Return an amount of credits or base units given as an int or as decimal digits. Raises InvalidAmount.

    >>> read_amount("12", "amount")
    12
    """
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 78):
            raise InvalidAmount(f"{name} {value!r}", "is not a whole number in decimal digits, such as '12'")
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidAmount(f"{name} {value!r}", "is neither a whole number nor its decimal digits")
    return value


def read_plan_metadata(value: PlanMetadata | Mapping[str, Any]) -> PlanMetadata:
    """Return a plan's metadata given as such or as a dictionary, in either spelling of its names. Raises InvalidMetadata."""
    return value if isinstance(value, PlanMetadata) else read_metadata(_read_shape(value, "a plan"), PlanMetadata)


def read_agent_shape(
    metadata: AgentMetadata | Mapping[str, Any], api: AgentAPIAttributes | Mapping[str, Any] | None = None
) -> AgentMetadata:
    """Join an agent's metadata and its API attributes, dictionaries in either spelling of their names.

    Args:
        metadata: What the agent says of itself.
        api: ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``. An endpoint may also be ``{"verb": …, "url": …}``.

    Raises:
        InvalidMetadata: The metadata has another form.
        InvalidEndpoint: A URL cannot be matched.
        NeedsVendor: Credentials are given, and metadata is public.
    """
    described = (
        describe_metadata(metadata) if isinstance(metadata, AgentMetadata) else _read_shape(metadata, "an agent")
    )
    attributes = _read_shape(api or {}, "an agent's API")
    refuse_credentials(attributes)
    public = {name: value for name, value in attributes.items() if name not in CREDENTIALS}
    return read_metadata({**described, **public}, AgentMetadata)


def _read_shape(value: object, name: str) -> dict[str, Any]:
    """Return a dictionary as the JSON of metadata has it: names in its spelling, plain values, nothing that is None."""
    if isinstance(value, AgentAPIAttributes):
        value = {own.name: getattr(value, own.name) for own in fields(value)}
    if not isinstance(value, Mapping):
        raise InvalidConfig(f"{name} is described by a dictionary, not {type(value).__name__}")
    extras = value.get("extras", {})
    if not isinstance(extras, Mapping):
        raise InvalidMetadata("extras", "it is not a mapping")
    given = [(_camel(str(key)), _plain(item)) for key, item in value.items() if item is not None and key != "extras"]
    given += extras.items()
    if len(dict(given)) < len(given):
        raise InvalidMetadata(name, "it has a name twice, in two spellings or in its extras too")
    return dict(given)


def _plain(value: Any) -> Any:
    """Return a value of ours as JSON has it; anything else as it is."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, SdkEndpoint):
        return {"verb": value.verb, "url": value.url}
    if isinstance(value, datetime):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)


def refuse_credentials(values: Mapping[str, Any]) -> None:
    """Raise NeedsVendor if there are credentials for a service: a vendor would keep them, metadata would publish them."""
    given = [name for name in CREDENTIALS if values.get(name)]
    if given:
        raise NeedsVendor(f"somebody who keeps the {given[0]} of a service secret", _CREDENTIALS_ADVICE)


def read_extras(**values: object) -> dict[str, Any]:
    """Return further fields as the JSON spells them, without those that were not given.

    >>> read_extras(data_schema="a,b", sample_code=None)
    {'dataSchema': 'a,b'}
    """
    return {_camel(name): value for name, value in values.items() if value is not None}
