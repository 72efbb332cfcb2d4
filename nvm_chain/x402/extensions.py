"""The extensions that a 402 declares, each with ``info`` and the JSON Schema of what a payment answers to it.

Clients send the declarations back with their payment. So a declaration has to be the same for the same request, but for what a
sign-in needs anew.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from nvm_chain.errors.fields import Time

PAYMENT_IDENTIFIER: Final = "payment-identifier"
"""The extension that names a payment, so that it is not made twice."""
SIGN_IN_WITH_X: Final = "sign-in-with-x"
"""The extension by which an account signs a message in place of a payment. Its header has the same name."""
BAZAAR: Final = "bazaar"
"""The extension that says how a paid endpoint is called, for catalogues."""
_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_URI: Final = {"type": "string", "format": "uri"}
_SIGNED: Final = ("domain", "address", "uri", "version", "chainId", "type", "nonce", "issuedAt", "signature")
WITH_BODY: Final = frozenset(("POST", "PUT", "PATCH"))
"""The methods whose requests have a body, by the extension for catalogues."""
WITHOUT_BODY: Final = frozenset(("GET", "HEAD", "DELETE"))
"""The methods whose requests do not have a body."""

NAMED: Final[Mapping[str, Any]] = {
    "info": {"required": False},
    "schema": {
        "$schema": _DRAFT,
        "type": "object",
        "properties": {
            "required": {"type": "boolean"},
            "id": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$"},
        },
        "required": ["required"],
    },
}
"""The declaration that a payment may have a name."""
_SIGN_IN_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": _DRAFT,
    "type": "object",
    "properties": {
        "domain": _TEXT,
        "address": _TEXT,
        "statement": _TEXT,
        "uri": _URI,
        "version": _TEXT,
        "chainId": _TEXT,
        "type": _TEXT,
        "nonce": _TEXT,
        "issuedAt": _TIME,
        "expirationTime": _TIME,
        "notBefore": _TIME,
        "requestId": _TEXT,
        "resources": {"type": "array", "items": _URI},
        "signature": _TEXT,
    },
    "required": list(_SIGNED),
}


def declare_sign_in(
    *, origin: str, uri: str, network: str, nonce: str, issued_at: Time, expires_at: Time, service: str, statement: str
) -> dict[str, Any]:
    """Return the declaration that an account may sign in, with a fresh challenge.

    Args:
        origin: Where the account signs in, such as ``https://api.example.com``.
        uri: The URL of the request, below the origin.
        network: The chain by CAIP-2.
        nonce: The nonce, which is accepted once.
        issued_at: The Unix second of the challenge.
        expires_at: The Unix second from which on the message is not accepted.
        service: The DID of the service, which the message names as a resource.
        statement: What the account signs, in words.
    """
    return {
        "info": {
            "domain": origin.rpartition("://")[2],
            "uri": uri,
            "statement": statement,
            "version": "1",
            "nonce": nonce,
            "issuedAt": _format_second(issued_at),
            "expirationTime": _format_second(expires_at),
            "resources": [service],
        },
        "supportedChains": [{"chainId": network, "type": "eip191"}],
        "schema": _SIGN_IN_SCHEMA,
    }


def _format_second(second: Time) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def declare_discovery(method: str, params: Mapping[str, str] | None = None) -> dict[str, Any] | None:
    """Return the declaration of how an endpoint is called. None for a method that the extension does not know.

    Args:
        method: The method of the request, in capital letters.
        params: The names in the endpoint's path, and their values in this request.
    """
    if method in WITH_BODY:
        given: dict[str, Any] = {"type": "http", "method": method, "bodyType": "json", "body": {}}
        more = {"bodyType": {"type": "string", "enum": ["json", "form-data", "text"]}, "body": {"properties": {}}}
    elif method in WITHOUT_BODY:
        given = {"type": "http", "method": method}
        more = {"queryParams": {"type": "object", "properties": {}}}
    else:
        return None
    properties = {"type": {"type": "string", "const": "http"}, "method": {"type": "string", "enum": [method]}, **more}
    if params:
        given["pathParams"] = dict(params)
        properties["pathParams"] = {"type": "object", "properties": dict.fromkeys(params, _TEXT)}
    shape = {
        "type": "object",
        "properties": properties,
        "required": [name for name in given if name != "pathParams"],
        "additionalProperties": False,
    }
    schema = {"$schema": _DRAFT, "type": "object", "properties": {"input": shape}, "required": ["input"]}
    return {"info": {"input": given}, "schema": schema}
