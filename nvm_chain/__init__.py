"""Payment plans for AI services, fully on chain: register a plan, order it with USDC, redeem its credits.

Importing the package does no work: each public name loads its module when it is first used.
"""

from importlib import import_module
from typing import Any

from nvm_chain._moved import MovedModules, explain_name
from nvm_chain._public_names import HOMES, MODULES

__version__ = "0.1.0"
__all__ = sorted([*MODULES, *HOMES, "__version__"])

MovedModules.install()


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in HOMES:
        return getattr(import_module(HOMES[name]), name)
    if name in MODULES:
        return import_module(MODULES[name])
    told = explain_name(__name__, name)
    raise AttributeError(f"module 'nvm_chain' has no attribute {name!r}{told and f'. {told}'}")


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
