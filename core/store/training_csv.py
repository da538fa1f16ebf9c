"""``training.csv``: every live row in one file, for people and pandas. Derived: nothing of ours reads it.

The file is a header and, segment by segment, a piece: the segment's live rows. ``training.csv.json`` beside it
records the manifest it was written from, and of each piece the rows, the size and the sha256. A batch that only adds
rows costs its own lines, which are added at the end; one that retracts some has the file written anew, the pieces it
does not touch being copied. A file that is not as it was recorded (somebody edited it, a writer was cut short) is
written anew from the segments.
"""

import fcntl
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from core import failpoints
from core.durable import write_durably
from core.errors import EtalonError
from core.store import manifests
from core.store.manifests import Manifest, NoManifest
from core.store.rows import encode_rows
from core.store.segments import Segment, read_products

TRAINING_CSV = "training.csv"
_RECORD = "training.csv.json"
_HEADER = b"".join(encode_rows([]))


@dataclass(frozen=True, slots=True)
class Piece:
    """One segment's live rows as they stand in the file."""

    segment: str
    rows: int
    bytes: int
    sha256: str


def refresh(training: Path) -> bool:
    """Bring ``training.csv`` to the newest manifest; returns whether anything was written.

    One writer works at a time; another leaves it to that one, which looks again when it is done. So nobody waits
    for a writer that has stalled, and a slow writer of an old manifest does not have the last word.
    """
    written = None
    while (newest := manifests.newest(training)) and newest.sha256 != written and not _is_current(training, newest):
        with _lone_writer(training) as alone:
            if not alone:
                break
            written = _write(training)
    return written is not None


@contextmanager
def _lone_writer(training: Path) -> Iterator[bool]:
    """Whether nobody else is writing; the lock goes with its process."""
    descriptor = os.open(training, os.O_RDONLY)
    try:
        yield _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_current(training: Path, newest: Manifest) -> bool:
    record = recorded(training)
    return record.get("manifest_sha256") == newest.sha256 and _is_untouched(training, record)


def _is_untouched(training: Path, record: Mapping[str, Any]) -> bool:
    """Whether the file looks as it did when it was recorded, told without reading it."""
    try:
        found = (training / TRAINING_CSV).stat()
    except FileNotFoundError:
        return False
    return (found.st_size, found.st_mtime_ns) == (record.get("bytes"), record.get("changed_ns"))


def _write(training: Path) -> str:
    """Write what is missing, or everything, and the record; returns the sha256 of the manifest it is that of."""
    newest = manifests.newest(training)
    if newest is None:
        raise NoManifest(f"the training store {training} is empty")
    known = _usable_pieces(training)
    live = _live_rows(newest)
    if known and all((piece.segment, piece.rows) == one for piece, one in zip(known, live.items(), strict=False)):
        pieces = _add(training, newest, live, known)
    else:
        pieces = _rewrite(training, newest, live, known)
    failpoints.reach("training_csv.written")
    _keep_record(training, newest, pieces)
    failpoints.reach("training_csv.recorded")
    return newest.sha256


def _live_rows(manifest: Manifest) -> dict[str, int]:
    """How many rows of each segment count, in order. Tombstones are never taken back: as many are the same rows."""
    dead = Counter(stone.segment for stone in manifest.tombstones)
    return {segment.name: segment.rows - dead[segment.name] for segment in manifest.segments}


def _usable_pieces(training: Path) -> list[Piece]:
    """The file's pieces, in order, if it is as recorded, and of a manifest that this store has. None otherwise."""
    record = recorded(training)
    try:
        if _is_untouched(training, record):
            manifest = manifests.read(training, record["manifest"])
            if manifest.sha256 == record["manifest_sha256"]:
                return _pieces(record)
    except (KeyError, TypeError, EtalonError):
        pass  # a record of another form, or of another store
    return []


def _pieces(record: Mapping[str, Any]) -> list[Piece]:
    return [Piece(**piece) for piece in record["pieces"]]


def _add(training: Path, newest: Manifest, live: Mapping[str, int], known: Sequence[Piece]) -> list[Piece]:
    """Add the lines of the segments after the known ones."""
    new = {segment.name: _lines(training, newest, segment) for segment in newest.segments[len(known) :]}
    data = b"".join(new.values())
    with (training / TRAINING_CSV).open("r+b") as file:
        file.seek(_end(known))
        failpoints.reach("training_csv.begun", tear=lambda: _put(file, data[: len(data) // 2]))
        _put(file, data)
        os.fsync(file.fileno())
    return [*known, *(_piece(name, live[name], lines) for name, lines in new.items())]


def _put(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()


def _rewrite(training: Path, newest: Manifest, live: Mapping[str, int], known: Sequence[Piece]) -> list[Piece]:
    """Replace the file; pieces that did not change are copied from the old one if they are sound there."""
    kept = _read_sound(training, known)
    contents = [
        kept[name, live[name]] if (name, live[name]) in kept else _lines(training, newest, segment)
        for name, segment in zip(live, newest.segments, strict=True)
    ]
    failpoints.reach("training_csv.begun")
    write_durably(training / TRAINING_CSV, b"".join([_HEADER, *contents]))
    return [_piece(name, live[name], lines) for name, lines in zip(live, contents, strict=True)]


def _read_sound(training: Path, pieces: Sequence[Piece]) -> dict[tuple[str, int], bytes]:
    """The pieces of the file that have the sha256 recorded, by segment and number of rows."""
    if not pieces:
        return {}
    data = (training / TRAINING_CSV).read_bytes()
    ends = accumulate((piece.bytes for piece in pieces), initial=len(_HEADER))
    found = {piece: data[at : at + piece.bytes] for piece, at in zip(pieces, ends, strict=False)}
    return {(piece.segment, piece.rows): part for piece, part in found.items() if _sha256(part) == piece.sha256}


def _lines(training: Path, manifest: Manifest, segment: Segment) -> bytes:
    """A segment's live rows as they stand in the file."""
    dead = {stone.row for stone in manifest.tombstones if stone.segment == segment.name}
    rows = read_products(training, segment)
    return b"".join(encode_rows(row for at, row in enumerate(rows) if at not in dead))[len(_HEADER) :]


def _piece(segment: str, rows: int, lines: bytes) -> Piece:
    return Piece(segment, rows, len(lines), _sha256(lines))


def _end(pieces: Sequence[Piece]) -> int:
    return len(_HEADER) + sum(piece.bytes for piece in pieces)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _keep_record(training: Path, manifest: Manifest, pieces: Sequence[Piece]) -> None:
    record = {
        "manifest": manifest.number,
        "manifest_sha256": manifest.sha256,
        "rows": sum(piece.rows for piece in pieces),
        "bytes": _end(pieces),
        "changed_ns": (training / TRAINING_CSV).stat().st_mtime_ns,
        "pieces": [asdict(piece) for piece in pieces],
    }
    write_durably(training / _RECORD, json.dumps(record, sort_keys=True).encode() + b"\n")


def recorded(training: Path) -> dict[str, Any]:
    """What was written last, empty when that is not known.

    Returns:
        ``manifest`` and ``manifest_sha256`` it was written from; ``rows`` and ``bytes``; ``changed_ns``, when it was;
        ``pieces``: segment, rows, bytes and sha256 of each, in the order they stand in after the header.
    """
    try:
        record = json.loads((training / _RECORD).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def is_intact(training: Path) -> bool:
    """Whether ``training.csv`` has, piece by piece, the bytes it was written with.

    While a newer manifest waits to be written there, it may be changing and nothing can be said against it.
    """
    record = recorded(training)
    try:
        return (
            _reads_as(training / TRAINING_CSV, _pieces(record)) or manifests.numbers(training)[-1] > record["manifest"]
        )
    except (FileNotFoundError, KeyError, TypeError, IndexError):
        return False


def _reads_as(path: Path, pieces: Sequence[Piece]) -> bool:
    with path.open("rb") as file:
        if file.read(len(_HEADER)) != _HEADER:
            return False
        return all(_sha256(file.read(piece.bytes)) == piece.sha256 for piece in pieces) and not file.read(1)
