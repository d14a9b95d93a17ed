"""Logging: one JSON object a line on stderr, which CloudWatch turns into one searchable event each."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from serve import log_ids

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """Everything passed as `extra=` becomes a member; a traceback is one member, not many lines."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= log_ids.current()
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """For people: time, level, message, then what was passed as `extra=`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        extra = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD)
        return f"{super().formatMessage(record)}  {extra}".rstrip()


def set_up(log_format: Literal["auto", "json", "text"]) -> None:
    """Send all logging of this process to stderr: `auto` as text if people read it there, on a terminal. Libraries only
    speak when something is wrong."""
    handler = logging.StreamHandler()
    as_text = sys.stderr.isatty() if log_format == "auto" else log_format == "text"
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("container", "serve", "model"):
        logging.getLogger(name).setLevel(logging.INFO)
