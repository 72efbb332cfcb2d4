"""Bindings: the request for which a voucher was signed. The voucher's context is the hash of the binding.

A binding is a JSON object ``{v, level, method, service, target, body, id}`` in the canonical form of RFC 8785. All its values
are texts of visible ASCII, and ``v`` is 1. So any language writes the same bytes, and keccak-256 of these bytes is the context.

For such values, Python's own JSON with sorted names is that canonical form, and takes a fifth of the time of
`format_canonical_json`. A test compares the two. So a library is not needed.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from nvm_chain.errors import InvalidConfig, InvalidMessage, InvalidTarget, NvmChainError
from nvm_chain.meter.bodies import NO_BODY, UNSIGNED, is_body_digest
from nvm_chain.meter.targets import check_target
from nvm_chain.types.hashes import keccak
from nvm_chain.types.ids import format_did, parse_agent_id
from nvm_chain.types.json_text import parse_json

VERSION: Final = 1
MAX_BINDING: Final = 16_384
"""The largest number of characters in a binding's JSON."""
NO_CONTEXT: Final = bytes(32)
"""The context of a voucher with the level none. Whoever holds the voucher can use it for any request."""
NAMES: Final = ("v", "level", "method", "service", "target", "body", "id")

_write_json: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_NOT_VALID: Final = "the binding is not valid: "
_METHOD: Final = re.compile(r"[A-Z][A-Z0-9_-]{0,31}")
_ID: Final = re.compile(r"[!#-\[\]-~]{1,128}")


class Level(StrEnum):
    """How much of a request a voucher is bound to.

    ``FULL`` is one request with its method and body. ``RESOURCE`` is any request to the same path and query. ``NONE`` is any
    request at all.
    """

    FULL = "full"
    RESOURCE = "resource"
    NONE = "none"

    def is_at_least(self, least: "Level") -> bool:
        """Return whether this level binds as much as another one, or more."""
        return _RANKS[self] <= _RANKS[least]


_RANKS: Final = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Binding:
    """The request that a voucher is for. Make one with `build_binding`.

    ``service`` is the DID of the agent. ``target`` is the path after the prefix of the service, and the query. ``body`` is
    a digest of the content, ``-`` for no content, or ``*`` where it is not signed. ``request_id`` is the idempotency key
    of the request, or a random text.
    """

    level: Level
    method: str
    service: str
    target: str
    body: str
    request_id: str

    def __post_init__(self) -> None:
        """Check the fields, because the context is a hash of them. Raises InvalidConfig or InvalidTarget."""
        check_target(self.target)
        problem = self._find_problem()
        if problem is not None:
            raise InvalidConfig(f"{_NOT_VALID}{problem}")

    def _find_problem(self) -> str | None:
        if self.level is Level.NONE:
            return "a voucher with the level none has no binding"
        is_full = self.level is Level.FULL
        if not (_METHOD.fullmatch(self.method) if is_full else self.method == UNSIGNED):
            return "its method is not in capital letters, or is not * with the level resource"
        if not (is_body_digest(self.body) or self.body == NO_BODY if is_full else self.body == UNSIGNED):
            return "its body is not a digest, or is not * with the level resource"
        if not re.fullmatch(r"did:nv:[0-9a-f]{64}", self.service):
            return "its service is not a DID in small letters"
        return None if _ID.fullmatch(self.request_id) else "its id is not 1 to 128 visible ASCII characters"

    def to_json(self) -> str:
        """Write the binding as canonical JSON, the text that is hashed."""
        texts = (self.level.value, self.method, self.service, self.target, self.body, self.request_id)
        return _write_json({"v": VERSION, **dict(zip(NAMES[1:], texts, strict=True))})

    @property
    def context(self) -> bytes:
        """The context of a voucher for this request, 32 bytes: keccak-256 of the canonical JSON."""
        return keccak(self.to_json().encode())

    @classmethod
    def from_json(cls, text: str) -> "Binding":
        """Read a binding from JSON, canonical or not. Raises InvalidMessage for any other text."""
        if len(text) > MAX_BINDING:
            raise _refuse(f"it has more than {MAX_BINDING:,} characters")
        try:
            return cls.from_object(parse_json(text, _take_pairs))
        except (ValueError, RecursionError) as error:
            raise error if isinstance(error, NvmChainError) else _refuse("it is not JSON") from None

    @classmethod
    def from_object(cls, value: Any) -> "Binding":
        """Read a binding from the JSON object of a payment. Raises InvalidMessage for any other value.

        The version may be 1.0 as well as 1, because some protocols write all numbers as fractions.
        """
        if not isinstance(value, dict) or set(value) != set(NAMES):
            raise _refuse(f"it is not an object with exactly {', '.join(NAMES)}")
        version, *texts = (value[name] for name in NAMES)
        if isinstance(version, bool) or version != VERSION or not all(isinstance(text, str) for text in texts):
            raise _refuse("its version is not 1, or another field is not a text")
        try:
            return cls(Level(texts[0]), *texts[1:])
        except InvalidConfig as error:
            raise _refuse(error.reason.removeprefix(_NOT_VALID)) from None
        except InvalidTarget as error:
            raise _refuse(f"its target {error.reason}") from None
        except ValueError:
            raise _refuse("its level is not full or resource") from None


def build_binding(
    service: int | str, method: str, target: str, body: str, request_id: str, *, level: Level | str = Level.FULL
) -> Binding:
    """Build the binding of a request. Its `context` is what the voucher's context has to be. No network.

    Args:
        service: The agent's id, as an int, text or DID.
        method: The method in capital letters, such as ``POST``.
        target: The raw path after the prefix of the service, and ``?`` with the raw query if there is one.
        body: The digest of the content, by `hash_body`.
        request_id: The idempotency key of the request, or a random text.
        level: ``full`` binds the voucher to all of this. ``resource`` leaves out the method and the body.

    Raises:
        InvalidAgentId: The service is not an agent id.
        InvalidConfig: Another value has a wrong form.
        InvalidTarget: Servers could read the target differently.

    >>> build_binding(7, "GET", "/ask?q=1", "-", "request-1").context.hex()[:16]
    '818efd585febe2df'
    """
    if level not in list(Level):
        raise InvalidConfig(f"the binding level is {level!r}", "give full or resource")
    did = format_did(parse_agent_id(service))
    if Level(level) is Level.RESOURCE:
        method = body = UNSIGNED
    return Binding(Level(level), method, did, target, body, request_id)


def binding_context(binding: Binding | None) -> bytes:
    """Return the context of a voucher with this binding. Without one, 32 zeros.

    >>> binding_context(None) == bytes(32)
    True
    """
    return NO_CONTEXT if binding is None else binding.context


def _take_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _refuse("a field appears twice")
    return fields


def _refuse(reason: str) -> InvalidMessage:
    return InvalidMessage("binding", reason)
