"""A naive facilitator: it checks by the official scheme, sends once, and tells everybody that asks of its success."""

import json
from typing import Any

from x402.mechanisms.evm.exact.facilitator import ExactEvmScheme
from x402.mechanisms.evm.signers import FacilitatorWeb3Signer
from x402.schemas import PaymentPayload, PaymentRequirements

from tests.gateway.serving import reply


class NaiveFacilitator:
    """An ASGI application. A settlement that it has made is told again, as it is for a retry."""

    def __init__(self, key: str, node: str) -> None:
        self._scheme = ExactEvmScheme(FacilitatorWeb3Signer(key, node))
        self._settled: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request. One at a time."""
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await reply(send, json.dumps(self._answer(scope["path"], body)).encode())

    def _answer(self, path: str, body: bytes) -> Any:
        if path == "/supported":
            return {"kinds": [{"x402Version": 2, "scheme": "exact", "network": "eip155:31337"}]}
        asked = json.loads(body)
        payment = PaymentPayload.model_validate(asked["paymentPayload"])
        required = PaymentRequirements.model_validate(asked["paymentRequirements"])
        nonce = payment.payload["authorization"]["nonce"]
        if path == "/settle" and nonce not in self._settled:
            self._settled[nonce] = self._scheme.settle(payment, required).model_dump(by_alias=True, exclude_none=True)
        if path == "/settle":
            return self._settled[nonce]
        return self._scheme.verify(payment, required).model_dump(by_alias=True, exclude_none=True)
