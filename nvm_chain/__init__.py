"""Payment plans for AI services, fully on chain: register a plan, order it with USDC, redeem its credits.

Importing the package does no work: each public name loads its module when it is first used.
"""

from importlib import import_module
from types import FunctionType
from typing import Any

from nvm_chain._moved import MovedModules, explain_name
from nvm_chain._public_names import HOMES, MODULES

__version__ = "0.1.0"
__all__ = sorted([*MODULES, *HOMES, "__version__"])

MovedModules.install()


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name in HOMES:
        found = getattr(import_module(HOMES[name]), name)
        return _check(found) if isinstance(found, FunctionType) else found
    if name in MODULES:
        return import_module(MODULES[name])
    told = explain_name(__name__, name)
    raise AttributeError(f"module 'nvm_chain' has no attribute {name!r}{told and f'. {told}'}")


def _check(function: FunctionType) -> FunctionType:
    """Return a function that refuses arguments of a wrong kind, always the same one for a function."""
    from nvm_chain.types.checked_calls import check_once

    checked = check_once(function)
    checked.__module__ = __name__ if checked is not function else checked.__module__  # where `pickle` finds it
    return checked


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
