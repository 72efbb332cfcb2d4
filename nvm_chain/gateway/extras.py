"""The packages that the gateway needs, and that belong to its extra."""

from importlib.util import find_spec
from typing import Final

from nvm_chain.errors import MissingExtra

NEEDED: Final = (
    *("aiohttp", "cryptography", "prometheus_client", "starlette", "uvicorn"),
    *("alembic", "msgspec", "sqlalchemy"),
)
"""The modules of the extra, with those of the extra ``index``."""


def require_gateway() -> None:
    """Raise MissingExtra if a module of the extra is not installed."""
    if any(find_spec(module) is None for module in NEEDED):
        raise MissingExtra("The gateway", "gateway")
