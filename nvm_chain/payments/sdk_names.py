"""Classes that scripts of the second generation import. Each stands for a dictionary of the documents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class AuthType(StrEnum):
    """Authentication of a service, as in its metadata."""

    NONE = "none"
    BASIC = "basic"
    OAUTH = "oauth"
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Endpoint with an HTTP method and a URL pattern. It stands for the dictionary ``{"POST": url}``."""

    verb: str
    url: str


@dataclass(frozen=True, slots=True)
class AgentAPIAttributes:
    """API of an agent. It stands for the dictionary of the documents. Credentials are refused, because metadata is public."""

    endpoints: Sequence[Endpoint | Mapping[str, Any]] | None = None
    open_endpoints: Sequence[str] | None = None
    agent_definition_url: str | None = None
    auth_type: AuthType | str | None = AuthType.NONE
    username: str | None = None
    password: str | None = None
    token: str | None = None
    api_key: str | None = None
    headers: Mapping[str, str] | None = None
