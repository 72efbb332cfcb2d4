"""Steps of a paid request, without a library for HTTP: what a transport has to send next, and what it found.

A flow is a generator. A transport sends what the flow yields, and gives it the answer. So one flow serves all transports.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from nvm_chain.client.places import Place
from nvm_chain.errors.fields import Number


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request of the program. ``key`` is its idempotency key, if it has one."""

    method: str
    place: Place
    body: bytes
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Send the request of the program, with more headers. Without any, it is not paid for."""

    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request of the client itself to the gateway. A redirect is not followed."""

    method: str
    url: str
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait. The answer is empty."""

    milliseconds: Number


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. ``body`` is there for a 402 and for requests of the client itself, up to 1 MiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


EMPTY = Reply(0, {})
Step: TypeAlias = Send | Ask | Pause
Flow: TypeAlias = Generator[Step, Reply, None]
