"""How often the frozen hold-out has been looked at, kept where a run keeps what it found.

runs/looks/<hold-out>/<champion>-<challenger>.json   one empty mark per pair ever judged

A hold-out is named by the segments its rows came with, so taking a label back does not start the count again.
Judging the same pair twice is one look: the answer is the same.
"""

import hashlib
from pathlib import Path

from core.domain.evidence import Looks
from core.domain.splits import Split
from core.durable import make_folder, write_durably
from core.store.segments import PRODUCTS
from core.store.snapshot import Snapshot


def count_look(runs: Path, snapshot: Snapshot, *, champion: str, challenger: str) -> Looks | None:
    """Mark that this pair is being judged, durably, and count all marks; None without a frozen hold-out."""
    name = _holdout(snapshot)
    if name is None:
        return None
    folder = make_folder(runs / "looks" / name)
    write_durably(folder / f"{champion}-{challenger}.json", b"{}")
    marks = [path.name for path in folder.glob("*.json")]
    return Looks(at_holdout=len(marks), at_champion=sum(mark.startswith(f"{champion}-") for mark in marks))


def _holdout(snapshot: Snapshot) -> str | None:
    holding = {
        segment
        for (segment, _), row in zip(snapshot.addresses, snapshot.rows, strict=True)
        if row.split == Split.HOLDOUT
    }
    shas = sorted(one.files[PRODUCTS].sha256 for one in snapshot.segments if one.name in holding)
    return hashlib.sha256("\n".join(shas).encode()).hexdigest()[:16] if shas else None
