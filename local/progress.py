"""Steps as a person follows them: what is being done, what is worth knowing, how long it took."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Prints steps as they run and remembers how long each took.

    Attributes:
        seconds: by step, in the order they ended.
        current: the step that is running, or that was when something was raised; None before the first.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.current: str | None = None
        self._began = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce ``name``, run the block, and say how long it took."""
        began = time.monotonic()
        self.current = name
        self._print(f"── {name}")
        yield
        self.seconds[name] = round(time.monotonic() - began, 1)
        self.say(f"done in {self.seconds[name]:.1f} s")

    def say(self, line: str) -> None:
        """One line about the running step."""
        self._print(f"   {line}")

    @property
    def total_s(self) -> float:
        """Seconds since the first line."""
        return time.monotonic() - self._began

    def _print(self, line: str) -> None:
        print(f"[{self.total_s:6.1f} s] {line}", flush=True)


def table(rows: list[tuple[str, ...]], indent: str = "  ") -> str:
    """``rows``, the first of which is the heading, in columns as wide as their widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join(indent + line for line in lines)


def tail(text: str, lines: int = 25) -> str:
    """The last ``lines`` lines of ``text``."""
    return "\n".join(text.splitlines()[-lines:])


def warn(line: str) -> None:
    """One line on standard error."""
    print(line, file=sys.stderr, flush=True)
