"""Loads OpenAPI documents from files and URLs, within limits of size and time."""

import re
from pathlib import Path
from typing import Final

from nvm_chain.errors import OpenApiUnavailable
from nvm_chain.metadata.openapi.documents import MAX_BYTES
from nvm_chain.storage.http import TIMEOUT_SECONDS, open_following, strip_url

TOTAL_SECONDS: Final = 60
"""The longest time for the download of a whole document, in seconds."""
_ACCEPTED: Final = {"Accept": "application/openapi+json, application/json, application/yaml, */*"}
_URL: Final = re.compile("https?://", re.IGNORECASE)


def load_openapi(source: str | Path, *, timeout_seconds: int = TIMEOUT_SECONDS) -> tuple[bytes, str]:
    """Load an OpenAPI document, and return its content and its URL. The URL of a file is empty. One request for a URL.

    At most 16 MiB are read, and one byte more. At most five redirects are followed, and none from https to http. The
    URL is the one that answered.

    Raises OpenApiUnavailable.
    """
    if isinstance(source, str) and _URL.match(source):
        return _fetch(source, timeout_seconds)
    try:
        with Path(source).open("rb") as file:
            return file.read(MAX_BYTES + 1), ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not a path of a file"
        raise OpenApiUnavailable(str(source), reason) from None


def _fetch(url: str, timeout_seconds: int) -> tuple[bytes, str]:
    def fail(reason: str) -> OpenApiUnavailable:
        return OpenApiUnavailable(strip_url(url), reason)

    with open_following(url, fail=fail, headers=_ACCEPTED, timeout_seconds=timeout_seconds) as answer:
        if answer.status != 200:
            raise fail(f"the server answers {answer.status}")
        return answer.read(MAX_BYTES, TOTAL_SECONDS), answer.url
