"""JSON lines: the message is an event name, its facts are fields.

User text, image bytes, tokens and passwords are never fields. What others write is held to that too: of a library's
message only the fixed part and its numbers are written, of an exception that is not ours only its kind and its frames.
"""

import json
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from core.errors import EtalonError

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_OURS = frozenset({"api", "bench", "core", "inference", "preprocessing", "training", "__main__"})
_MAX_CAUSES = 8

# The dict is shared by every thread that works on the request, so what one binds, all write.
_request: ContextVar[dict[str, Any] | None] = ContextVar("request", default=None)


@contextmanager
def request_fields(**fields: Any) -> Iterator[None]:
    """Until it ends, every line of this task, and of the threads it waits for, carries ``fields`` and what is bound."""
    token = _request.set(dict(fields))
    try:
        yield
    finally:
        _request.reset(token)


def bind(**fields: Any) -> None:
    """Add fields to every further line of the request that is being served; outside of one, nothing."""
    request = _request.get()
    if request is not None:
        request.update(fields)


class JsonFormatter(logging.Formatter):
    """One log record as one line of JSON: ``at``, ``level``, ``logger``, ``event``, the request's fields, its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Render one record; fields that JSON cannot carry are written as text."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage() if _is_ours(record.name) else _fixed_part(record),
        }
        line.update(_request.get() or {})
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = describe(record.exc_info[1])
        return json.dumps(line, default=str, ensure_ascii=False)


def _is_ours(logger: str) -> bool:
    return logger.partition(".")[0] in _OURS


def _fixed_part(record: logging.LogRecord) -> str:
    """The first line of a library's message with its numbers; text that was put into it may be a user's."""
    template = str(record.msg)
    arguments = record.args if isinstance(record.args, tuple) else ()
    try:
        text = template % tuple(one if isinstance(one, int | float) else "…" for one in arguments)
    except (TypeError, ValueError):
        text = template
    return text.partition("\n")[0]


def describe(error: BaseException) -> str:
    """An exception, its causes, and where each was raised, without the messages of those that may repeat input.

    Our own errors never repeat it. Of the operating system's the reason is written, of a database driver's its number.
    """
    said: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(said) < _MAX_CAUSES:
        frames = [f"  {one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(cause.__traceback__)]
        said.append("\n".join([_named(cause), *frames]))
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\nbecause of ".join(said)


def _named(error: BaseException) -> str:
    kind = type(error).__name__
    if isinstance(error, EtalonError):
        return f"{kind} ({error.code}): {error}"
    if isinstance(error, OSError) and error.strerror:
        return f"{kind}: {error.strerror}"
    number = next(iter(getattr(getattr(error, "orig", None), "args", ())), None)
    return f"{kind} ({number})" if isinstance(number, int) else kind


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every logger's records to standard error as JSON lines (standard output belongs to results).

    Libraries are never heard below INFO, whatever ``level`` is: what they write then may be anything. Warnings and
    threads that end in an exception become lines too.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    root = logging.getLogger()
    for name in _OURS:
        logging.getLogger(name).setLevel(root.level)
    root.setLevel(max(root.level, logging.INFO))
    warnings.showwarning = _on_warning
    threading.excepthook = _on_crash


def _on_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    fields = {"category": category.__name__, "where": f"{filename}:{lineno}"}
    logging.getLogger(__name__).warning("python.warning", extra=fields)


def _on_crash(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_type is SystemExit or crash.exc_value is None:
        return
    thread = crash.thread.name if crash.thread else None
    logging.getLogger(__name__).error("thread.crashed", exc_info=crash.exc_value, extra={"thread_name": thread})
