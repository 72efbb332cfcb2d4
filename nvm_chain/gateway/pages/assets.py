"""Files of the pages: scripts and styles from the package, with the hash of each in its name, so browsers keep them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from string import Template
from typing import Final

from nvm_chain.gateway.incoming import Headers

FOLDER: Final = "nvm_chain.gateway.pages"
_KINDS: Final[Mapping[str, bytes]] = {
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
}
_NAMES: Final = (
    *("account.js", "checkout.css", "checkout.js", "new_plan.css", "new_plan.js", "seller.css", "seller.js"),
    *("streamlit.css", "streamlit.js", "wallet.js"),
)
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the pages, with the headers of its answer."""

    body: bytes
    headers: Headers


PAGE_HEADERS: Final[Headers] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
            b"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
"""What a page with a script may do: run the gateway's own files, and ask the gateway. No request goes to another host."""


@cache
def name_asset(name: str) -> str:
    """Return the name under which a file is served.

    >>> name_asset("checkout.js").startswith("checkout.")
    True
    """
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{sha256(_read(name)).hexdigest()[:_DIGITS]}.{kind}"


def find_asset(served: str) -> Asset | None:
    """Return the file of a name with its hash. None for every other name."""
    name = next((name for name in _NAMES if name_asset(name) == served), None)
    return None if name is None else _read_asset(name)


@cache
def _read_asset(name: str) -> Asset:
    headers = [
        (b"content-type", _KINDS[name.rpartition(".")[2]]),
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Asset(_read(name), headers)


@cache
def read_template(name: str) -> Template:
    """Return a template of a page, by the name of its file."""
    return Template(_read(name).decode("utf-8"))


def _read(name: str) -> bytes:
    return files(FOLDER).joinpath(name).read_bytes()
