"""Classes that scripts of the second generation import, for what is a dictionary in the documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AuthType(StrEnum):
    """How a service knows its callers, as its metadata says."""

    NONE = "none"
    BASIC = "basic"
    OAUTH = "oauth"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and a URL pattern, under their names in the hosted system; ``{"POST": url}`` says the same."""

    verb: str
    url: str


@dataclass(frozen=True, slots=True)
class AgentAPIAttributes:
    """An agent's API; the documents' dictionary says the same. Credentials are refused, as metadata is public."""

    endpoints: Sequence[Endpoint | Mapping[str, Any]] | None = None
    open_endpoints: Sequence[str] | None = None
    agent_definition_url: str | None = None
    auth_type: AuthType | str | None = AuthType.NONE
    username: str | None = None
    password: str | None = None
    token: str | None = None
    api_key: str | None = None
    headers: Mapping[str, str] | None = None
