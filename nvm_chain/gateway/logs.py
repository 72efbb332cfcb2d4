"""Logs of a gateway: one JSON object on each line. Nothing of a request's headers or body is in them."""

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from nvm_chain.gateway.exchange import AnswerCut

FIELDS: Final = ("service", "request_id", "status")
"""What a record may have besides its message."""
_EVERY_OTHER: Final = None
"""The name of the logger that gets the lines of all others, such as those of the driver of a database."""


class JsonLines(logging.Formatter):
    """Formats records as JSON, on one line each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            told["trace"] = self.formatException(record.exc_info)
        return json.dumps(told)


def log_as_json(level: int = logging.INFO) -> Callable[[], None]:
    """Write all logs to stderr, as JSON: those of this package, and warnings of the server and of other libraries.

    Args:
        level: The least level of this package's lines.

    Returns:
        The function that ends it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_is_news)
    before = {}
    for name, least in (("nvm_chain", level), ("uvicorn", logging.WARNING), (_EVERY_OTHER, logging.WARNING)):
        logger = logging.getLogger(name)
        before[logger] = (logger.handlers, logger.propagate, logger.level)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(least)

    def end() -> None:
        for logger, (handlers, propagate, least) in before.items():
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(least)

    return end


def _is_news(record: logging.LogRecord) -> bool:
    """Return whether a record says something new. The server tells of each answer that the gateway itself cut."""
    return not (record.exc_info and record.exc_info[0] is AnswerCut)
