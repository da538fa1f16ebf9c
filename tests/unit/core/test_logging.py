"""Log lines: one JSON object each, with what the request is, and without what people wrote."""

import contextvars
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import Conflict
from core.logging import JsonFormatter, bind, configure_logging, describe, request_fields

SECRET = "the seller's own words"


@pytest.fixture
def lines() -> Iterator[Any]:
    """What was written since, parsed."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.level, root.handlers[:], warnings.showwarning, threading.excepthook)
    configure_logging("DEBUG", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.level, root.handlers[:], warnings.showwarning, threading.excepthook = before
    for name in ("api", "bench", "core", "inference", "preprocessing", "training", "__main__"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_a_line_is_an_event_with_its_fields(lines: Any) -> None:
    logging.getLogger("core.store").info("segment.published", extra={"segment": 3})
    (line,) = lines()
    assert (line["event"], line["segment"], line["level"], line["logger"]) == (
        "segment.published",
        3,
        "info",
        "core.store",
    )


def test_every_line_of_a_request_carries_its_fields_whichever_thread_writes_it(lines: Any) -> None:
    log = logging.getLogger("api.x")
    with request_fields(model_version="old"):
        bind(request_id="r-1")
        log.info("first")
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(bind,), kwargs={"model_version": "new"})
        thread.start()
        thread.join()
        log.info("second")
    log.info("third")
    first, second, third = lines()
    assert (first["request_id"], first["model_version"]) == ("r-1", "old")
    assert (second["request_id"], second["model_version"]) == ("r-1", "new")
    assert "request_id" not in third


def test_fields_bound_outside_of_a_request_go_nowhere(lines: Any) -> None:
    bind(request_id="nobody's")
    logging.getLogger("api").info("alone")
    assert "request_id" not in lines()[0]


@pytest.mark.parametrize(
    ("message", "arguments", "written"),
    [
        ("skipping %s at %d of %r", (SECRET, 7, SECRET), "skipping … at 7 of '…'"),
        ("two lines\nfuture: %s", (SECRET,), "two lines"),
        ("wrong number of %s %s", (SECRET,), "wrong number of %s %s"),
        ("by name %(word)s", ({"word": SECRET},), "by name %(word)s"),
    ],
)
def test_of_a_librarys_message_only_the_fixed_part_and_numbers_are_written(
    message: str, arguments: tuple[Any, ...], written: str
) -> None:
    record = logging.LogRecord("some.library", logging.WARNING, __file__, 1, message, arguments, None)
    assert json.loads(JsonFormatter().format(record))["event"] == written


def test_libraries_are_never_heard_below_info(lines: Any) -> None:
    logging.getLogger("some.library").debug("chunk: %s", SECRET)
    logging.getLogger("api.ours").debug("ours.is_heard")
    assert [line["event"] for line in lines()] == ["ours.is_heard"]


def test_an_exception_is_written_with_frames_and_causes_and_without_what_it_says(lines: Any) -> None:
    try:
        try:
            int(SECRET)
        except ValueError as error:
            raise Conflict("The row is closed.") from error
    except Conflict:
        logging.getLogger("api").exception("request.failed")
    (line,) = lines()
    assert line["exception"].startswith("Conflict (request.conflict): The row is closed.")
    assert "because of ValueError\n" in line["exception"]
    assert "test_logging.py" in line["exception"]
    assert SECRET not in json.dumps(line)


def test_a_driver_error_keeps_its_number_and_the_systems_keeps_its_reason() -> None:
    wrapped = RuntimeError(SECRET)
    wrapped.orig = Exception(1406, f"Data too long: {SECRET}")  # type: ignore[attr-defined]
    assert describe(wrapped) == "RuntimeError (1406)"
    assert describe(FileNotFoundError(2, "No such file", SECRET)) == "FileNotFoundError: No such file"


def test_warnings_and_crashed_threads_become_lines_without_their_text(lines: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(SECRET, UserWarning, stacklevel=1)

    def crash() -> None:
        raise KeyError(SECRET)

    thread = threading.Thread(target=crash, name="poller")
    thread.start()
    thread.join()
    warned, crashed = lines()
    assert (warned["event"], warned["category"]) == ("python.warning", "UserWarning")
    assert (crashed["event"], crashed["thread_name"]) == ("thread.crashed", "poller")
    assert SECRET not in json.dumps([warned, crashed])


def test_standard_output_belongs_to_results() -> None:
    script = "import logging; from core.logging import configure_logging as c; c(); logging.getLogger('core').info('x')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert json.loads(done.stderr)["event"] == "x"
