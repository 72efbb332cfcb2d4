"""Requests as they arrived, and whether the binding of a voucher is that of a request."""

from dataclasses import dataclass
from typing import Final

from nvm_chain.errors import BindingMismatch, BindingTooWeak, VoucherMismatch
from nvm_chain.meter.bindings import Binding, Level, binding_context
from nvm_chain.meter.bodies import UNSIGNED

_COMPARED: Final = {name: name for name in ("service", "method", "target", "body")} | {"request_id": "id"}
"""The fields of a binding, in the order in which they are compared, with their names in JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the gateway saw of a request. The fields are those of `Binding`, computed from the request itself.

    ``body`` is None as long as the body has not been read. ``idempotency_key`` is None if the request came without one.
    """

    service: str
    method: str
    target: str
    body: str | None
    idempotency_key: str | None = None

    def bind(self, presented: Binding) -> Binding:
        """Compute the binding that a presented one has to be. What cannot be known is taken from the presented one.

        Raises:
            InvalidConfig: The request has a value that no binding can have.
            InvalidTarget: Servers could read the target differently.
        """
        is_full = presented.level is Level.FULL
        return Binding(
            presented.level,
            self.method if is_full else UNSIGNED,
            self.service,
            self.target,
            presented.body if self.body is None or not is_full else self.body,
            presented.request_id if self.idempotency_key is None else self.idempotency_key,
        )


def check_level(binding: Binding | None, least: Level) -> None:
    """Check that a binding binds as much as a service wants. Raises BindingTooWeak."""
    level = Level.NONE if binding is None else binding.level
    if not level.is_at_least(least):
        raise BindingTooWeak(level.value, least.value)


def check_binding(binding: Binding, request: Request) -> Binding:
    """Compare a presented binding with the request that it came with. Return the computed one, which is equal.

    A body that has not been read is not compared. Compare it at the end, with a request that has the digest.

    Raises:
        BindingMismatch: A field differs. The error says what was computed, and has the right binding as JSON.
        InvalidConfig: The request has a value that no binding can have.
        InvalidTarget: Servers could read the target of the request differently.
    """
    computed = request.bind(binding)
    for field, name in _COMPARED.items():
        signed, found = getattr(binding, field), getattr(computed, field)
        if signed != found:
            raise BindingMismatch(name, signed, found, computed.to_json())
    return computed


def check_context(context: bytes, binding: Binding | None) -> None:
    """Check that the context of a voucher is the hash of the binding that came with it. Raises VoucherMismatch."""
    expected = binding_context(binding)
    if context != expected:
        raise VoucherMismatch("context", f"0x{expected.hex()}", f"0x{context.hex()}")
