"""Where the reports lie, and what is there: one HTML file a month, written by a job and shown by the service."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from core.errors import NotFound

_NAME = re.compile(r"monthly-(20[0-9]{2}-(?:0[1-9]|1[0-2]))")


class NoReport(NotFound):
    """There is no report of this name."""

    code = "report.not_found"


@dataclass(frozen=True, slots=True)
class Report:
    """A report that has been written.

    Attributes:
        name: such as ``monthly-2026-10``.
        month: such as ``2026-10``.
        path: of its file.
        made_at: when the file was written, UTC.
        size: bytes.
    """

    name: str
    month: str
    path: Path
    made_at: datetime
    size: int


def name_of(month: str) -> str:
    """The name of the report of a month, ``YYYY-MM``."""
    return f"monthly-{month}"


def find(folder: Path, name: str) -> Report:
    """The report of this name.

    Raises:
        NoReport: it was never written, or nothing is ever called so; no path is made of such a name.
    """
    named = _NAME.fullmatch(name)
    if named is None:
        raise NoReport("A report is called monthly-YYYY-MM; GET /reports lists those there are.")
    path = folder / f"{name}.html"
    try:
        found = path.stat()
    except FileNotFoundError:
        raise NoReport(f"There is no report {name}.") from None
    return Report(name, named[1], path, datetime.fromtimestamp(found.st_mtime, UTC), found.st_size)


def every(folder: Path) -> list[Report]:
    """All there are, the newest month first; files that are called otherwise are none."""
    names = sorted((path.stem for path in folder.glob("monthly-*.html") if _NAME.fullmatch(path.stem)), reverse=True)
    return [find(folder, name) for name in names]
