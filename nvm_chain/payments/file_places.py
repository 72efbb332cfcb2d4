"""Places of files behind a gateway: where a file is asked for, and the payment for exactly that request."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from nvm_chain.metadata.file_entries import GATEWAY_SCHEME, FileEntry
from nvm_chain.meter.bindings import Binding
from nvm_chain.payments.access import need_gateway
from nvm_chain.payments.session import Session
from nvm_chain.signing.vouchers import SignedVoucher

FILE_OF_GATEWAY: Final = "A file of a gateway"
_KEPT: Final = "/!$&'()*+,;=:@~"
"""Characters of a path that stay as they are. The others get percent signs, as every client writes them."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a file of the gateway is: its URL, and the target of a request for it, which is signed."""

    url: str
    target: str


def find_place(session: Session, did: str, entry: FileEntry) -> FilePlace | None:
    """Return where the gateway serves a file. None for a file that is elsewhere.

    Raises:
        NeedsGateway: Only a gateway serves the file, and none is configured.
    """
    parts = urlsplit(entry.url)
    if parts.scheme == GATEWAY_SCHEME:
        gateway = need_gateway(session, FILE_OF_GATEWAY)
        target = "/" + _spell(parts.path.lstrip("/"))
        return FilePlace(f"{gateway.url}/services/{did}{target}", target)
    if session.gateway is None or not entry.url.startswith(f"{session.gateway.url}/"):
        return None
    query = f"?{parts.query}" if parts.query else ""
    path = _spell(parts.path)
    _, _, after = path.partition(f"/services/{did}/")
    target = (f"/{after}" if after else path) + query
    return FilePlace(f"{parts.scheme}://{parts.netloc}{path}{query}", target)


def _spell(path: str) -> str:
    """Return a path in one spelling, which no client changes."""
    return quote(unquote(path), safe=_KEPT)


def build_payment(chain_id: int, signed: SignedVoucher, binding: Binding) -> Mapping[str, str]:
    """Return the header of x402 that pays for a request with a voucher. The extra ``client`` is not needed for it."""
    payment = {
        "x402Version": 2,
        "accepted": {"scheme": "nvm-credits", "network": f"eip155:{chain_id}"},
        "payload": {"voucher": json.loads(signed.to_json()), "binding": json.loads(binding.to_json())},
    }
    return {"PAYMENT-SIGNATURE": base64.b64encode(json.dumps(payment).encode()).decode()}
