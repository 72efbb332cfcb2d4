"""What a 402 says, whole in its body, and as much as fits in its header."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from nvm_chain.errors.formatting import clip
from nvm_chain.x402.extensions import BAZAAR
from nvm_chain.x402.headers import VERSION, write_header
from nvm_chain.x402.offers import Offer

MAX_REQUIRED: Final = 7_000
"""The largest number of characters in the header PAYMENT-REQUIRED. Many servers and clients take headers of 8 kB in all."""
MAX_DESCRIPTION: Final = 200
_MAX_NAME: Final = 32
_MAX_TAGS: Final = 5
_MAX_URL: Final = 1_000
_LIST: Final = "plans"
"""The list in the information of our own extensions, of which the header may have the start only."""


def build_resource(
    url: str, *, description: str = "", name: str = "", tags: Sequence[str] = (), mime_type: str = ""
) -> dict[str, Any]:
    """Return what a 402 says of the resource. Texts that the protocol does not take are left out, or cut.

    Args:
        url: The URL of the request.
        description: What is sold at the URL.
        name: The name of the service.
        tags: Words for catalogues.
        mime_type: The kind of the answer.
    """
    told = {"description": clip(description, MAX_DESCRIPTION), "mimeType": mime_type, "serviceName": _fit_text(name)}
    kept = [tag for tag in tags if _is_plain(tag)][:_MAX_TAGS]
    return {"url": url, **{key: text for key, text in told.items() if text}, **({"tags": kept} if kept else {})}


def _fit_text(text: str) -> str:
    return text[:_MAX_NAME].strip() if text.isascii() and text.isprintable() else ""


def _is_plain(text: str) -> bool:
    return 0 < len(text) <= _MAX_NAME and text.isascii() and text.isprintable()


def build_required(
    resource: Mapping[str, Any], offers: Sequence[Offer], *, error: str, extensions: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return what a 402 says, as JSON.

    Args:
        resource: What `build_resource` returns.
        offers: What would be accepted, the best first.
        error: Why the request was not served, in a word of the protocol.
        extensions: The declarations of extensions, by name.
    """
    return {
        "x402Version": VERSION,
        "error": error,
        "resource": dict(resource),
        "accepts": [offer.to_json() for offer in offers],
        **({"extensions": dict(extensions)} if extensions else {}),
    }


def write_required(required: Mapping[str, Any]) -> str:
    """Return the header of a 402. If all does not fit, it has the start of our lists, then fewer offers, and one of each scheme at least.

    What is left out is in the body. An offer that is there is whole, because clients send it back.
    """
    told = dict(required)
    for shorten in _SHORTENINGS:
        header = write_header(told)
        if len(header) <= MAX_REQUIRED:
            return header
        told = shorten(told)
    return write_header(told)


def _shorten_lists(required: dict[str, Any]) -> dict[str, Any]:
    """Keep four elements of each list of plans."""
    extensions = {name: _shorten_list(told) for name, told in required.get("extensions", {}).items()}
    return {**required, "extensions": extensions}


def _shorten_list(told: Any) -> Any:
    info = told.get("info") if isinstance(told, dict) else None
    if not isinstance(info, dict) or not isinstance(info.get(_LIST), list) or len(info[_LIST]) <= 4:
        return told
    return {**told, "info": {**info, _LIST: info[_LIST][:4], "more": len(info[_LIST]) - 4}}


def _drop_discovery(required: dict[str, Any]) -> dict[str, Any]:
    kept = {name: told for name, told in required.get("extensions", {}).items() if name != BAZAAR}
    return {**required, "extensions": kept}


def _keep_offers(most: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that keeps so many offers, and the first of each scheme."""

    def keep(required: dict[str, Any]) -> dict[str, Any]:
        seen: set[str] = set()
        kept = []
        for position, offer in enumerate(required["accepts"]):
            if position < most or offer["scheme"] not in seen:
                kept.append(offer)
            seen.add(offer["scheme"])
        return {**required, "accepts": kept}

    return keep


def _shorten_resource(required: dict[str, Any]) -> dict[str, Any]:
    """Keep the URL of the resource only, without its query if it is long."""
    url = required["resource"]["url"]
    return {**required, "resource": {"url": url if len(url) <= _MAX_URL else url.partition("?")[0][:_MAX_URL]}}


def _drop_extensions(required: dict[str, Any]) -> dict[str, Any]:
    return {name: told for name, told in required.items() if name != "extensions"}


_SHORTENINGS: Final[tuple[Callable[[dict[str, Any]], dict[str, Any]], ...]] = (
    _drop_discovery,
    _shorten_lists,
    _keep_offers(8),
    _keep_offers(4),
    _shorten_resource,
    _keep_offers(2),
    _keep_offers(1),
    _drop_extensions,
)
"""What is tried, one after the other, until the header fits."""
