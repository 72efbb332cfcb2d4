"""Metadata of plans and agents that cannot be published, and requests that it does not cover."""

from nvm_chain.errors.families import InputError
from nvm_chain.errors.fields import AgentId, Name, Others, Phrase


class InvalidEndpoint(InputError):
    """Raised when an endpoint's method or URL pattern is malformed."""

    pattern: Others
    reason: Phrase

    problem = "{pattern} is not an endpoint: {reason}."
    next_step = "Write https://host/path/:name as path-to-regexp has it."


class InvalidUrl(InputError):
    """Raised when a request's URL is malformed, or could mean another path to the server behind. Never has its query."""

    url: Others
    reason: Phrase

    problem = "The URL {url} {reason}."
    next_step = "Refuse the request, or send it in its plain form."


class UnknownEndpoint(InputError):
    """Raised when an agent has no endpoint for a request, neither a paid nor an open one."""

    agent_id: AgentId
    method: Name
    url: Others

    problem = "Agent {agent_id} has no endpoint {method} {url}."
    next_step = "Compare method and URL with the agent's metadata, and refuse the request."


class InvalidMetadata(InputError):
    """Raised when metadata is not what the metadata of a plan or an agent can be."""

    field: Name
    reason: Phrase

    problem = "The metadata cannot be published, because of {field}: {reason}."
    next_step = "Correct it; nothing was sent."


class SecretInMetadata(InputError):
    """Raised when metadata holds a secret, or a value that looks like one. The error never contains the value."""

    field: Name
    reason: Phrase = "its name or its form is that of a secret"

    problem = "Metadata {field} is a secret or looks like one, and everybody can read metadata for ever: {reason}."
    next_step = (
        "Remove it, and keep it on the server. In instructions write a placeholder, such as <token>. "
        "If the value is public, give the field another name."
    )
