"""What the process writes to its log: one structured line per event, with nothing in it that names a person."""

import logging
import re
import time
from typing import Any

_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    # PostgreSQL repeats the row it refuses
    (re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*$", re.MULTILINE), r"\1: [hidden]"),
    # a query string may carry a search word (?q=), a code or a signature
    (re.compile(r"(?<=[\w/\-])\?[\w%\-\[\].]+=[^\s\"'<>]*"), "?[hidden]"),
    # a link token: /a/<token>/
    (re.compile(r"(?<=/a/)[A-Za-z0-9_\-=:.]{8,}"), "[token]"),
    (re.compile(r"[^\s\"<>(),;:\[\]]+@[^\s\"'<>(),;:\[\]/]*[^\s\"'<>(),;:\[\]./]"), "[e-mail]"),
    (re.compile(r"(?<![\w.\-:+/])(?:\+|00)\d(?:[ \-./()]{0,2}\d){6,14}(?![\w\-])"), "[phone]"),
    (re.compile(r"(?<![\w.\-:+/])0\d(?:[ \-./]{0,2}\d){7,9}(?![\w\-:])"), "[phone]"),
)
_QUOTED = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "server_time"}
_SHOWN = frozenset({"status_code", "event", "chain", "count", "seconds"})  # extras whose values cannot be a person's


def scrub(text: str) -> str:
    """Return `text` without query strings, link tokens, e-mail addresses, phone numbers, PostgreSQL's row details."""
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    return text


class Routes(logging.Filter):
    """Django's own request messages carry the path; they get the route's name instead."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; never drops one."""
        request = getattr(record, "request", None)
        meta = getattr(request, "META", None)
        if request is not None and meta is not None:
            status = getattr(record, "status_code", "")
            record.msg = "request refused or failed: %s %s %s %s"
            record.args = (request.method, meta.get("HORAE_ROUTE", "unknown"), status, meta.get("HORAE_REQUEST_ID", ""))
        return True


class Line(logging.Formatter):
    """`time level logger message key=value …` on one line, scrubbed after everything is put together.

    A traceback follows on lines of its own: frames as they are, but nothing quoted from an exception's message, where a
    form or a row would show through.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one scrubbed line, with its traceback below."""
        extra = " ".join(f"{key}={value}" for key, value in vars(record).items() if key in _SHOWN - _STANDARD)
        line = super().format(record)
        head, newline, tail = line.partition("\n")
        return scrub(f"{head} {extra}".rstrip() + newline + tail)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """Return the traceback with everything quoted in exception messages masked."""
        lines = super().formatException(ei).splitlines()
        return "\n".join(line if line.startswith(("  ", "Traceback")) else _QUOTED.sub("'…'", line) for line in lines)


def logging_settings(*, level: str) -> dict[str, Any]:
    """Return LOGGING for Django, Celery and gunicorn: everything to stderr through `Line`.

    `django.request` is silent below ERROR: the access line (config.middleware) already has the route and the status.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"routes": {"()": "config.logs.Routes"}},
        "formatters": {"line": {"()": "config.logs.Line", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["routes"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": level, "handlers": [], "propagate": True},
            "django.request": {"level": "ERROR"},
            "django.db.backends": {"level": "WARNING"},
            "httpx": {"level": "WARNING"},  # INFO logs the whole address
            "httpcore": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},  # "sending due task" every two seconds
            "celery.app.trace": {"level": "WARNING"},  # "succeeded" for every sweep
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.worker.request": {"level": "WARNING"},  # "discarding revoked task": a wake-up that came too late
        },
    }
