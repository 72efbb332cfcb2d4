"""Parsers of the arguments of the Payments API: metadata from dictionaries, and amounts."""

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
    """Raise InvalidConfig if a value is not of one of the given types."""
    if not isinstance(value, kinds):
        raise InvalidConfig(f"{name} is {type(value).__name__}", f"give one such as {example}")


def read_amount(value: int | str, name: str) -> int:
    """Parse an amount of credits or base units, from an int or a text of decimal digits. Raises InvalidAmount.

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
    """Return a plan's metadata from PlanMetadata or a dictionary, in camelCase or snake_case. Raises InvalidMetadata."""
    return value if isinstance(value, PlanMetadata) else read_metadata(_read_shape(value, "a plan"), PlanMetadata)


def read_agent_shape(
    metadata: AgentMetadata | Mapping[str, Any], api: AgentAPIAttributes | Mapping[str, Any] | None = None
) -> AgentMetadata:
    """Join an agent's metadata and its API attributes. Keys of the dictionaries may be camelCase or snake_case.

    Args:
        metadata: The metadata of the agent.
        api: ``{"endpoints": [{"POST": url}], "openEndpoints": [url]}``. An endpoint may also be ``{"verb": …, "url": …}``.

    Raises:
        InvalidMetadata: The metadata does not have the documented form.
        InvalidEndpoint: An endpoint is not a valid URL pattern.
        NeedsVendor: The API contains credentials. Metadata is public.
    """
    described = (
        describe_metadata(metadata) if isinstance(metadata, AgentMetadata) else _read_shape(metadata, "an agent")
    )
    attributes = _read_shape(api or {}, "an agent's API")
    refuse_credentials(attributes)
    public = {name: value for name, value in attributes.items() if name not in CREDENTIALS}
    return read_metadata({**described, **public}, AgentMetadata)


def _read_shape(value: object, name: str) -> dict[str, Any]:
    """Return a dictionary in the JSON form of metadata: camelCase keys, plain values, without None."""
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
    """Return a value of this package as plain JSON data. Other values are unchanged."""
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
    """Raise NeedsVendor if the arguments contain credentials for a service. Metadata would publish them."""
    given = [name for name in CREDENTIALS if values.get(name)]
    if given:
        raise NeedsVendor(f"a vault for the {given[0]} of a service", _CREDENTIALS_ADVICE)


def read_extras(**values: object) -> dict[str, Any]:
    """Return extra fields with camelCase keys, without fields that are None.

    >>> read_extras(data_schema="a,b", sample_code=None)
    {'dataSchema': 'a,b'}
    """
    return {_camel(name): value for name, value in values.items() if value is not None}
