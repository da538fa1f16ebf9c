"""The few threads on which passwords are hashed, and the bounded line before them."""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import Unavailable

_Result = TypeVar("_Result")

AT_ONCE = min(2, os.cpu_count() or 1)
"""A hash takes 19 MiB and one core, and each thread keeps the memory of its last one: two stay well within 64 MiB."""
LONGEST_LINE = 128  # requests, waiting or being served: about two seconds on two cores


class TooManySignIns(Unavailable):
    """More people sign in at this moment than passwords can be checked; try again in a few seconds."""

    code = "account.sign_ins_full"

    def __init__(self) -> None:
        super().__init__("Too many people sign in at this moment; try again.")


class Turnstile:
    """Runs work that hashes a password. Who waits holds no thread that other routes need."""

    def __init__(self, at_once: int = AT_ONCE, longest_line: int = LONGEST_LINE) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")
        self._longest_line = longest_line
        self._inside = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Do ``work`` when it is its turn; a request that is given up meanwhile loses its place.

        Raises:
            TooManySignIns: the line is full.
        """
        if self._inside >= self._longest_line:
            raise TooManySignIns
        self._inside += 1  # the event loop is one thread
        try:
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, work)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Let the threads end; what is being done is finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)
