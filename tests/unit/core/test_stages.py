"""Stages are timed for whoever listens, in every thread that works on the request, and for nobody otherwise."""

import contextvars
import threading

import pytest

from core.stages import stages_told_to, timed


def test_without_a_listener_nothing_is_told() -> None:
    with timed("decode"):
        pass


def test_a_stage_is_told_when_it_ends_also_by_failing() -> None:
    told: list[tuple[str, float]] = []
    with stages_told_to(lambda stage, seconds: told.append((stage, seconds))):
        with timed("whole"), timed("part"):
            pass
        with pytest.raises(ValueError, match="broken"), timed("decode"):
            raise ValueError("broken")
    with timed("after"):
        pass
    assert [stage for stage, _ in told] == ["part", "whole", "decode"]
    assert all(seconds >= 0 for _, seconds in told)


def test_threads_that_work_on_the_request_tell_too() -> None:
    told: list[str] = []

    def work() -> None:
        with timed("text"):
            pass

    with stages_told_to(lambda stage, seconds: told.append(stage)):
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,))
        thread.start()
        thread.join()
    assert told == ["text"]
