"""The chain over the audit: each link is a sha256 of the link before it and of the rows it seals.

Whoever edits, removes or adds a sealed row has to forge every later link; whoever knows one link (each sealing prints
its own) can tell.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

ROOT = "0" * 64
"""What stands before the first link."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the audit with everything that a link vouches for."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    version: int | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Link:
    """How many rows, and the sha256 over the link before and them, 64 hexadecimal digits."""

    rows: int
    sha256: str


def link(previous: str, rows: Iterable[AuditRow]) -> Link:
    """The link after ``previous`` over ``rows``, which come in the order of their ids."""
    digest = hashlib.sha256(f"{previous}\n".encode())
    count = 0
    for row in rows:
        values = asdict(row) | {"at": row.at.isoformat(timespec="microseconds")}
        digest.update((json.dumps(values, sort_keys=True, separators=(",", ":")) + "\n").encode())
        count += 1
    return Link(count, digest.hexdigest())
