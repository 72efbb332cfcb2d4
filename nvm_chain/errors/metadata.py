"""Invalid metadata of plans and agents, and requests that match no endpoint in the metadata."""

from nvm_chain.errors.families import InputError
from nvm_chain.errors.fields import AgentId, Name, Others, Phrase, Sentence


class InvalidEndpoint(InputError):
    """Raised when an endpoint's method or URL pattern is malformed."""

    pattern: Others
    reason: Phrase

    problem = "{pattern} is not a valid endpoint: {reason}."
    next_step = "Write the URL as https://host/path/:name, in the syntax of path-to-regexp."


class InvalidUrl(InputError):
    """Raised when a request's URL is malformed, or servers may read its path differently. The error omits the URL's query."""

    url: Others
    reason: Phrase

    problem = "The URL {url} {reason}."
    next_step = "Refuse the request. If you sent it, send a plain URL."


class UnknownEndpoint(InputError):
    """Raised when a request matches neither a paid nor an open endpoint of an agent."""

    agent_id: AgentId
    method: Name
    url: Others

    problem = "Agent {agent_id} has no endpoint for {method} {url}."
    next_step = "Refuse the request, or correct its method and URL to match the agent's metadata."


class InvalidOpenApi(InputError):
    """Raised when an OpenAPI document is malformed or too large, or has a part that cannot become an endpoint."""

    place: Name
    reason: Phrase
    advice: Sentence = "Correct the document. Nothing was sent"

    problem = "The OpenAPI document cannot be imported ({place}): {reason}."
    next_step = "{advice}."


class EndpointsOverlap(InputError):
    """Raised when an operation of an OpenAPI document would get another access or cost than the seller chose.

    The endpoint of another operation matches its requests, and an endpoint cannot leave out some of them.
    """

    operation: Name
    chosen: Name
    pattern: Others
    found: Name

    problem = "{operation} should be {chosen}, but the endpoint {pattern} matches it and makes it {found}."
    next_step = (
        "Give both operations the same, or leave out both. If the service itself guards the operation, accept "
        "the overlap with `allow_overlap=True`."
    )


class InvalidMetadata(InputError):
    """Raised when the metadata of a plan or an agent is malformed."""

    field: Name
    reason: Phrase

    problem = "The metadata is not valid ({field}): {reason}."
    next_step = "Correct it. Nothing was sent."


class SecretInMetadata(InputError):
    """Raised when metadata holds a secret, or a value that looks like one. The error never contains the value."""

    field: Name
    reason: Phrase = "its name or its form is that of a secret"

    problem = "Metadata is public for ever, and {field} looks like a secret: {reason}."
    next_step = (
        "Remove the value, and keep it on your server. Where readers have to fill in a value of their own, write a "
        "placeholder such as <token>. If the value is public, give the field another name."
    )
