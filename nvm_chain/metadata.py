"""What an agent tells the world about itself: typed, in one JSON form, and never with a secret in it."""

import binascii
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from unicodedata import normalize

from nvm_chain.endpoints import Endpoint, parse_url_pattern
from nvm_chain.errors import InvalidEndpoint, InvalidMetadata, SecretInMetadata

URI_PREFIX: Final = "data:application/json;base64,"
MAX_JSON: Final = 16_384
"""Bytes of the JSON text: on chain each costs about 700 gas."""
MAX_DEPTH: Final = 16
"""Levels of lists and objects in each other."""

_NAMES: Final = {
    "name": "name",
    "description": "description",
    "author": "author",
    "tags": "tags",
    "date_created": "dateCreated",
    "agent_type": "agentType",
}
"""Our fields and how the JSON spells them, as the documents do. What else is in the JSON are extras."""
_TEXTS: Final = ("name", "description", "author", "date_created", "agent_type")


@dataclass(frozen=True, slots=True)
class AgentMetadata:
    """An agent's metadata. ``extras`` is any further JSON; ``date_created`` is ISO 8601 text.

    Open endpoints are URL patterns that cost nothing. Raises InvalidMetadata, InvalidEndpoint, and SecretInMetadata if
    any of it is or looks like a token, password or key: everybody can read metadata, for ever.
    """

    name: str
    description: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    date_created: str = ""
    agent_type: str = "agent"
    endpoints: tuple[Endpoint, ...] = ()
    open_endpoints: tuple[str, ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check every field, then look for secrets, then the size."""
        for name in _TEXTS:
            _check_text(name, getattr(self, name))
        if not self.name:
            raise InvalidMetadata("name", "it is empty")
        _check_list("tags", self.tags, str)
        _check_list("endpoints", self.endpoints, Endpoint)
        _check_list("open_endpoints", self.open_endpoints, str)
        if not isinstance(self.extras, Mapping):
            raise InvalidMetadata("extras", "it is no mapping")
        taken = {*_NAMES.values(), "endpoints", "openEndpoints"} & set(self.extras)
        if taken:
            raise InvalidMetadata("extras", f"{min(taken)} has a field of its own")
        refuse_secrets(describe_metadata(self))
        for url_pattern in self.open_endpoints:
            parse_url_pattern(url_pattern)
        format_metadata(self)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidMetadata(name, f"it is no text but {type(value).__name__}")


def _check_list(name: str, value: object, kind: type) -> None:
    if not isinstance(value, tuple) or not all(isinstance(item, kind) for item in value):
        raise InvalidMetadata(name, f"it is no tuple of {kind.__name__}")


# ---------------------------------------------------------------- JSON


def describe_metadata(metadata: AgentMetadata) -> dict[str, Any]:
    """Return metadata as the JSON object that it is written as; empty fields are left out.

    >>> describe_metadata(AgentMetadata("Echo", endpoints=(Endpoint("POST", "https://example.com/:x"),)))
    {'name': 'Echo', 'agentType': 'agent', 'endpoints': [{'POST': 'https://example.com/:x'}]}
    """
    values: dict[str, Any] = {spelled: getattr(metadata, name) for name, spelled in _NAMES.items()}
    values["tags"] = list(metadata.tags)
    values["endpoints"] = [{endpoint.method: endpoint.url_pattern} for endpoint in metadata.endpoints]
    values["openEndpoints"] = list(metadata.open_endpoints)
    return {**{name: value for name, value in values.items() if value}, **metadata.extras}


def format_metadata(metadata: AgentMetadata) -> str:
    """Write metadata as canonical JSON: names sorted, no spaces. Raises InvalidMetadata if it is too long or no JSON."""
    described = describe_metadata(metadata)
    try:
        text = json.dumps(described, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError):  # half a surrogate is a ValueError too
        raise InvalidMetadata("extras", "it has something that JSON has not") from None
    if size > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has {size} bytes and may have {MAX_JSON}")
    return text


def parse_metadata(text: str) -> AgentMetadata:
    """Read metadata from JSON; no network. Raises InvalidMetadata, InvalidEndpoint, SecretInMetadata."""
    if len(text) > MAX_JSON:
        raise InvalidMetadata("as JSON", f"it has more than {MAX_JSON} bytes")
    try:
        values = json.loads(text, object_pairs_hook=_refuse_repeated)
    except (ValueError, RecursionError) as error:
        raise error if isinstance(error, InvalidMetadata) else InvalidMetadata("as JSON", "it is no JSON") from None
    if not isinstance(values, dict):
        raise InvalidMetadata("as JSON", "it is no object")
    refuse_secrets(values)
    known: dict[str, Any] = {name: values.pop(spelled) for name, spelled in _NAMES.items() if spelled in values}
    return AgentMetadata(
        **{"name": "", "agent_type": "", **known, "tags": _read_list("tags", known.get("tags", []))},
        endpoints=tuple(map(_read_endpoint, _read_list("endpoints", values.pop("endpoints", [])))),
        open_endpoints=_read_list("openEndpoints", values.pop("openEndpoints", [])),
        extras=values,
    )


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one name: readers would disagree about which counts."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise InvalidMetadata("as JSON", "it has a name twice in one object")
    return found


def _read_list(name: str, value: object) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise InvalidMetadata(name, "it is no list")
    return tuple(value)


def _read_endpoint(value: object) -> Endpoint:
    if not isinstance(value, dict) or len(value) != 1:
        raise InvalidMetadata("endpoints", 'each is an object of one method and URL pattern, {"POST": "https://…"}')
    ((method, url_pattern),) = value.items()
    if not isinstance(url_pattern, str):
        raise InvalidEndpoint(str(method), "its URL pattern is no text")
    return Endpoint(method, url_pattern)


# ---------------------------------------------------------------- data URI


def build_metadata_uri(metadata: AgentMetadata) -> str:
    """Write metadata as a ``data:`` URI that needs no server: the chain itself keeps it.

    >>> build_metadata_uri(AgentMetadata("Echo", agent_type=""))
    'data:application/json;base64,eyJuYW1lIjoiRWNobyJ9'
    """
    return URI_PREFIX + b64encode(format_metadata(metadata).encode()).decode()


def parse_metadata_uri(uri: str) -> AgentMetadata:
    """Read metadata from a ``data:`` URI; no network. Raises InvalidMetadata, InvalidEndpoint, SecretInMetadata.

    Whoever registered the agent wrote it: take nothing in it for true but that they say so.
    """
    if not uri.startswith(URI_PREFIX):
        raise InvalidMetadata("URI", f"it does not begin with {URI_PREFIX}")
    if len(uri) > len(URI_PREFIX) + MAX_JSON * 4 // 3 + 4:
        raise InvalidMetadata("URI", f"its JSON has more than {MAX_JSON} bytes")
    try:
        text = b64decode(uri.removeprefix(URI_PREFIX), validate=True).decode()
    except (binascii.Error, ValueError):
        raise InvalidMetadata("URI", "it is no base64 of UTF-8 text") from None
    return parse_metadata(text)


# ---------------------------------------------------------------- secrets

_SECRET_KEYS: Final = re.compile(
    "authori[sz]ation|token(?!address|id|name|symbol|uri|type|decimals|standard|count|limit)|passw(?:or)?d|passphrase"
    "|passcode|^pwd$|^pass$|secret|apikey|bearer|credential|privatekey|signingkey|accesskey|mnemonic|seedphrase|^seed$"
    "|cookie|^x?auth$|^session(?:id|key)?$"
)
"""Names that hold secrets, in small letters without anything but letters and digits."""
_SECRET_VALUES: Final = (
    re.compile(r"\bauthorization\s*:\s*\S", re.IGNORECASE),
    re.compile(r"\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"\b(?:sk|pk|rk|xox[abprs]|gh[pousr]|glpat|hf)[-_][A-Za-z0-9_-]{16,}"),
    re.compile(r"\bAKIA[0-9A-Z]{16}\b|\bAIza[0-9A-Za-z_-]{35}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\."),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"[a-z][a-z0-9+.-]{0,20}://[^/\s?#@]{1,500}@", re.IGNORECASE),
)
"""Authorization headers, keys of well-known services, JSON web tokens, PEM keys, and user names in URLs."""
_QUERY_NAME: Final = re.compile(r"[?&;]([^=&;#\s]{1,200})=[^&;#\s]")
_QUERY_SECRETS: Final = re.compile("^(?:sig|signature|key)$")
_COUNT: Final = re.compile(r"[0-9]{1,9}")
_KEY_VALUE: Final = re.compile(r"(?:0x)?[0-9a-fA-F]{64}")
_KEY_NAME: Final = re.compile("key|pk$|priv|seed|signer|wallet|account")


def refuse_secrets(value: object, path: str = "") -> None:
    """Raise SecretInMetadata, with the place and not the value, if JSON holds what is or looks like a secret.

    Looks at names such as ``api_key``, however they are spelled and nested, and at values: authorization headers,
    well-known forms of tokens, private keys, user names and secrets in URLs. What it does not know it cannot find.
    Raises InvalidMetadata for JSON nested deeper than 16 levels.

    >>> try:
    ...     refuse_secrets({"upstream": {"API-Key": "abc"}})
    ... except SecretInMetadata as error:
    ...     print(error.field)
    upstream.API-Key
    """
    for place, name, text in _walk(value, path, 0):
        plain = _plain(name)
        # "maxTokens": 4096 is a number of something, not a secret.
        secret_name = _SECRET_KEYS.search(plain) and text != "" and not (plain.endswith("s") and _COUNT.fullmatch(text))
        secret_key = _KEY_NAME.search(plain) and _KEY_VALUE.fullmatch(text.strip())
        secret_query = any(
            _SECRET_KEYS.search(_plain(key)) or _QUERY_SECRETS.search(_plain(key)) for key in _QUERY_NAME.findall(text)
        )
        if secret_name or secret_key or secret_query or any(form.search(text) for form in _SECRET_VALUES):
            raise SecretInMetadata(place)


def _plain(name: str) -> str:
    """Write a name so that its spellings are one: api_key, API-Key, apiKey."""
    return "".join(character for character in normalize("NFKC", name).casefold() if character.isalnum())


def _walk(value: object, path: str, depth: int, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield every scalar as (place, nearest name, text). A name counts for all that is in it, and is itself looked at."""
    if depth > MAX_DEPTH:
        raise InvalidMetadata(path, f"it is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, Mapping):
        for key, item in value.items():
            place = f"{path}.{key}" if path else str(key)
            yield path or "a name in it", "", str(key)
            nested = f"{name}.{key}" if _SECRET_KEYS.search(_plain(name)) else str(key)
            yield from _walk(item, place, depth + 1, nested)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}[{index}]", depth + 1, name)
    elif value is not None and not isinstance(value, bool):
        yield path, name, str(value)
