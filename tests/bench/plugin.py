"""Time that the plug-in adds to a request of the official client of x402, at the median. It is part of `make bench`.

Both sides are the official client for requests, and a 402 of the gateway. One side pays with the plug-in. The other has a scheme that
answers at once with a payload that was made before. So the difference is all that the plug-in does: choosing, limits, binding,
ceiling, signature, and the note of the answer. They take turns in one process. A third side keeps its ceilings in a file.

`python -m tests.bench plugin --json` prints one JSON object.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from x402 import x402ClientSync
from x402.http.x402_http_client import x402HTTPClientSync
from x402.schemas import SettleResponse

from nvm_chain.client.buyer import Buyer
from nvm_chain.client.limits import build_limits
from nvm_chain.client.places import find_place
from nvm_chain.integrations.x402.asked import Noted, noting
from nvm_chain.integrations.x402.plugin import pay_from_credits
from nvm_chain.x402.extensions import NAMED, PAYMENT_IDENTIFIER
from nvm_chain.x402.headers import PAYMENT_REQUIRED, PAYMENT_RESPONSE, write_header
from nvm_chain.x402.networks import format_network
from nvm_chain.x402.offers import CREDITS_SCHEME, CreditsOffer
from tests.bench.figures import Figure
from tests.gateway.shop import Shop, run_shop

ROUNDS: Final = 400
ORIGIN: Final = "https://gateway.example.com"
BODY: Final = b"x" * 200
AIM_MILLISECONDS: Final = 1


class ReadyScheme:
    """A scheme that does nothing: its payload was made before."""

    scheme = CREDITS_SCHEME

    def __init__(self, payload: dict[str, Any]) -> None:
        """Take the payload."""
        self._payload = payload

    def create_payment_payload(self, requirements: Any) -> dict[str, Any]:
        """Return the payload."""
        return dict(self._payload)


def measure() -> dict[str, Figure]:
    """Return the added time of the plug-in, in milliseconds."""
    with run_shop() as shop, tempfile.TemporaryDirectory() as folder:
        required = build_required(shop)
        paying, first = build_paying(shop, None)
        in_file, _ = build_paying(shop, Path(folder) / "state.json")
        ready = build_ready(shop, pay(paying, first, required).payload)
        times = time_turns(
            {
                "ready": lambda: pay(ready, None, required),
                "memory": lambda: pay(paying, first, required),
                "file": lambda: pay(in_file, first, required),
            }
        )
    added = {name: round((times[name] - times["ready"]) * 1_000, 3) for name in ("memory", "file")}
    return {
        "official_client_alone": {"value": round(times["ready"] * 1_000, 3), "unit": "ms at the median", "aim": ""},
        "plugin_adds": {"value": added["memory"], "unit": "ms at the median", "aim": f"<= {AIM_MILLISECONDS}"},
        "plugin_adds_with_a_file": {
            "value": added["file"],
            "unit": "ms at the median, ceilings on the disk",
            "aim": "",
        },
    }


def build_required(shop: Shop) -> str:
    """Return the header of a 402 as the gateway writes it, with one offer of credits."""
    chain = shop.chain
    offer = CreditsOffer(
        chain.chain_id, chain.credits.address, shop.credits_plan, shop.redeemer.address, 2, 600, shop.did, "full"
    )
    return write_header(
        {
            "x402Version": 2,
            "error": "payment_missing",
            "resource": {"url": f"{ORIGIN}/services/{shop.did}/ask", "description": "Tea answers"},
            "accepts": [offer.to_json()],
            "extensions": {PAYMENT_IDENTIFIER: NAMED},
        }
    )


def build_paying(shop: Shop, state: Path | None) -> tuple[x402HTTPClientSync, Noted]:
    """Return the official client with the plug-in, and the request that it pays for."""
    limits = build_limits(per_request=5, in_all=10**9)
    buyer = Buyer(shop.chain, shop.new_buyer(), limits, state=state)
    target = f"/services/{shop.did}/ask"
    noted = Noted(find_place(ORIGIN + target, target), "POST", BODY)
    return x402HTTPClientSync(pay_from_credits(x402ClientSync(), buyer, ORIGIN)), noted


def build_ready(shop: Shop, payload: dict[str, Any]) -> x402HTTPClientSync:
    """Return the official client with a scheme that does nothing."""
    client = x402ClientSync().register(format_network(shop.chain.chain_id), ReadyScheme(payload))
    return x402HTTPClientSync(client.set_spend_controls({"allowed_assets": True}))


def pay(client: x402HTTPClientSync, noted: Noted | None, required: str) -> Any:
    """Do what the official adapter does between a 402 and a paid answer, without the network. Return the payment."""
    if noted is None:
        return _pay(client, f"{ORIGIN}/ask", required)
    with noting(noted):
        return _pay(client, f"{noted.place.base}/services/{noted.place.service}{noted.place.target}", required)


def _pay(client: x402HTTPClientSync, url: str, required: str) -> Any:
    told = client.get_payment_required_response({PAYMENT_REQUIRED.upper(): required}.get)
    client.handle_payment_required(told, url)
    payment: Any = client.create_payment_payload(told)
    client.encode_payment_signature_header(payment)
    answer = SettleResponse(success=True, transaction="", network=payment.accepted.network, amount="2")
    header = write_header(answer.model_dump(by_alias=True, exclude_none=True))
    client.process_payment_result(payment, {PAYMENT_RESPONSE.upper(): header}.get, 200)
    return payment


def time_turns(ways: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each way. They take turns, so other work on the machine slows all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}
