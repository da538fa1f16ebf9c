"""A notifier that is done within seconds, whatever the server at its other end does."""

import copy
import os
from pathlib import Path
from threading import Thread
from typing import Any

from airflow.sdk import BaseNotifier

LONGEST_S = 8  # two alerts take less than the 20 s after which Airflow ends the process of a task that is over


class NotSent(RuntimeError):
    """An alert did not reach its server; says why, without the server's address: that may be a key."""


def setting(name: str) -> str:
    """The environment's ``name``, or what the file named in ``name`` + ``_FILE`` holds; "" where neither is set."""
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text(encoding="utf-8").strip() if path else os.environ.get(name, "").strip()


class PromptNotifier(BaseNotifier):
    """Gives up after ``LONGEST_S``, and keeps its templates for the next task of the same process."""

    def __call__(self, *args: Any) -> None:
        """Render a copy and send it."""
        super(PromptNotifier, copy.copy(self)).__call__(*args)

    def notify(self, context: Any) -> None:
        """Send what is rendered.

        Raises:
            NotSent: the server refused it, or had not taken it in time.
        """
        failures = [f"not taken within {LONGEST_S} s"]
        thread = Thread(target=self._attempt, args=(context, failures), daemon=True)
        thread.start()
        thread.join(LONGEST_S)
        if failures:
            raise NotSent(f"{type(self).__name__}: {failures[-1]}")

    def _attempt(self, context: Any, failures: list[str]) -> None:
        try:
            self.send(context)
            failures.clear()
        except Exception as error:  # whose words may quote the address: its kind and status do not
            cause = getattr(error, "reason", None)
            told = getattr(error, "code", None) or getattr(error, "smtp_code", None) or (cause and _kind(cause))
            failures.append(f"{_kind(error)} {told or ''}".strip())

    def send(self, context: Any) -> None:
        """Send what is rendered, however long that takes."""
        raise NotImplementedError


def _kind(error: object) -> str:
    """Python's name for it, or OpenSSL's."""
    return error if isinstance(error, str) and error.isupper() else type(error).__name__
