"""The packages that the index needs, and that belong to extras."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from nvm_chain.errors import MissingExtra

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "index": ("alembic", "msgspec", "sqlalchemy"),
    "postgres": ("psycopg",),
    "report": ("matplotlib",),
}
"""The modules of each extra."""


def require_extra(extra: str, what: str) -> None:
    """Raise MissingExtra if a module of an extra is not installed. ``what`` is the thing that needs it, for the message."""
    if any(find_spec(module) is None for module in NEEDED[extra]):
        raise MissingExtra(what, extra)
