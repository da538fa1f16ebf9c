"""``training.csv``: every live row in one file, for people and pandas. Derived: nothing of ours reads it.

``training.csv.json`` beside it records which manifest it was written from and the sha256 it then had.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from core import failpoints
from core.durable import write_durably
from core.store import manifests
from core.store.rows import encode_rows
from core.store.snapshot import Snapshot

TRAINING_CSV = "training.csv"
_RECORD = "training.csv.json"


def refresh(training: Path) -> bool:
    """Rewrite ``training.csv`` if it is not the newest manifest's; returns whether it was rewritten.

    Looks again after writing, so that a slow writer of an old manifest does not have the last word.
    """
    rewritten = False
    while not _is_current(training):
        _write(training, Snapshot.open(training))
        rewritten = True
    return rewritten


def _is_current(training: Path) -> bool:
    newest = manifests.newest(training)
    known = recorded(training).get("manifest_sha256")
    return newest is not None and known == newest.sha256 and is_intact(training)


def _write(training: Path, snapshot: Snapshot) -> None:
    data = b"".join(encode_rows(snapshot.rows))
    record = {
        "manifest": snapshot.manifest.number,
        "manifest_sha256": snapshot.manifest.sha256,
        "rows": len(snapshot.rows),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    write_durably(training / TRAINING_CSV, data)
    failpoints.reach("training_csv.written")
    write_durably(training / _RECORD, json.dumps(record, sort_keys=True).encode() + b"\n")


def recorded(training: Path) -> dict[str, Any]:
    """What was written last: manifest, manifest_sha256, rows, sha256; empty when that is not known."""
    try:
        record = json.loads((training / _RECORD).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def is_intact(training: Path) -> bool:
    """Whether ``training.csv`` has the sha256 it was written with."""
    try:
        with (training / TRAINING_CSV).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    return found == recorded(training).get("sha256")
