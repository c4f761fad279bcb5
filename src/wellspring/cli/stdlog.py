"""Sends the records of libraries (standard `logging`) where our own log lines go: one JSON object a line, stderr."""

import logging
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

LEVEL: Final = "WARNING"


class Lines(logging.Formatter):
    """One JSON object a record; an exception shows its kind only, for its text may quote what a person wrote."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "part": record.name,
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
        return msgspec.json.encode(line).decode()


def config(*names: str) -> dict[str, Any]:
    """Return a `logging.config` dictionary for the root and the named loggers."""
    own = {"handlers": ["lines"], "level": LEVEL, "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "wellspring.cli.stdlog.Lines"}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["lines"], "level": LEVEL},
        "loggers": dict.fromkeys(names, own),
    }
