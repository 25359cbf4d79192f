"""Log lines as text and as JSON: one line per record, which no stranger's text can forge.

A record's fields come from two places that only our own code writes: the context of the work at
hand, and the ``name=%…`` pairs of the call's template. Values of others are never searched for
fields. Control characters and line breaks are escaped in both formats.
"""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from enum import Enum

from ..domain.log_context import LogContext, current
from ..domain.redaction import redacted

SCHEMA_VERSION = 1
NAMES = ("job", "task", "attempt", "transaction")
"""What every line carries where it exists, in this order."""
_SHORT = {"transaction": "tx"}
_LONG = {short: name for name, short in _SHORT.items()}
_MARK = re.compile(r"%%|(?:\b(\w+)=)?%[#0\- +]*\d*(?:\.\d+)?[A-Za-z]")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\ufff9-\ufffb]"
)
_SPELLED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


class LogFormat(Enum):
    """How log lines are written."""

    TEXT = "text"
    JSON = "json"


def escaped(text: str) -> str:
    """Returns the text on one line, its control characters spelled out."""
    return _UNSAFE.sub(lambda found: _SPELLED.get(found[0]) or f"\\u{ord(found[0]):04x}", text)


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """Returns the ``name=%…`` pairs of the record's template with their values."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    names = [found[1] for found in _MARK.finditer(str(record.msg)) if found[0] != "%%"]
    if len(names) != len(arguments):
        return {}
    pairs = zip(names, arguments, strict=True)
    return {_LONG.get(name, name): value for name, value in pairs if name is not None}


class TextFormatter(logging.Formatter):
    """``TIME LOGGER LEVEL MESSAGE``, and at the end what the context knows and the message does not."""

    def format(self, record: logging.LogRecord) -> str:
        said = fields_of(record)
        more = "".join(
            f" {_SHORT.get(name, name)}={_value(name, value)}"
            for name, value in context_of(record).named().items()
            if name not in said
        )
        line = f"{rfc3339(record.created)} {record.name} {record.levelname} {escaped(_message(record))}{more}"
        trace = _trace(self, record)
        return redacted("\n    | ".join([line, *map(escaped, trace.splitlines())]) if trace else line)


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        fields, context = fields_of(record), context_of(record)
        named = {name: fields.get(name, getattr(context, name)) for name in NAMES}
        document: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **{name: _value(name, value) for name, value in named.items() if value is not None},
            "fields": {name: _plain(value) for name, value in fields.items() if name not in NAMES},
        }
        if trace := _trace(self, record):
            document["trace"] = trace
        return redacted(json.dumps(document))


def context_of(record: logging.LogRecord) -> LogContext:
    """Returns the context in which the record was logged."""
    kept = getattr(record, "log_context", None)
    return kept if isinstance(kept, LogContext) else current()


def rfc3339(seconds: float) -> str:
    """Returns the moment in UTC with milliseconds, such as ``2026-12-01T03:05:07.250Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _value(name: str, value: object) -> object:
    return hex(value) if name == "transaction" and isinstance(value, int) else value


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # a wrong template must not cost the line
        return f"{record.msg} {record.args!r}"


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
