"""Calls of progress functions, which the user of the package gives."""

import logging
from collections.abc import Callable
from typing import ParamSpec

logger = logging.getLogger("nvm_chain")
Told = ParamSpec("Told")


def tell(on_progress: Callable[Told, object], *told: Told.args, **named: Told.kwargs) -> None:
    """Call a progress function. If the function raises an error, log a warning with the error and go on.

    Transactions may be under way, and their outcomes must reach the caller.
    """
    try:
        on_progress(*told, **named)
    except Exception as error:  # noqa: BLE001  the function is anybody's code, and money may have moved
        logger.warning("The function for progress raised %r", error)
