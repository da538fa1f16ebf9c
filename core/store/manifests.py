"""Manifests: numbered files that say which segments count. The newest one is the training store.

``manifests/000001.json`` is canonical JSON: its number, the sha256 of its parent's bytes (null for the first),
the segments in order with the sha256, size and rows of every file, the tombstoned rows, the taxonomy's version,
and a checksum of all that, because no child vouches for the newest one yet. A manifest never changes.
"""

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from core import failpoints
from core.durable import make_folder
from core.errors import Conflict, NotFound, Unavailable
from core.store.durable import flush_again, publish_once
from core.store.segments import Segment, StoredFile

_FILE = re.compile(r"(\d{6,})\.json")


class ManifestTaken(Conflict):
    """Another writer published a manifest of this number first; build the next one on top of theirs."""

    code = "store.manifest_taken"


class NoManifest(NotFound):
    """The training store has no manifest, or none of this number."""

    code = "store.no_manifest"


class CorruptManifest(Unavailable):
    """A manifest's bytes are not what was published."""

    code = "store.corrupt_manifest"


class UnknownRow(Conflict):
    """A tombstone for a row that the training store does not have: the database is newer than the store."""

    code = "store.unknown_row"


@dataclass(frozen=True, slots=True, order=True)
class Tombstone:
    """A row that no longer counts: ``row`` (from 0) of the segment named ``segment``."""

    segment: str
    row: int


@dataclass(frozen=True)
class Manifest:
    """One state of the training store.

    Attributes:
        number: 1 and up.
        parent: sha256 of the bytes of manifest ``number - 1``, None for the first.
        segments: in the order they were published.
        tombstones: rows of them that no longer count.
        taxonomy_version: of the taxonomy that was active at publication.
    """

    number: int
    parent: str | None
    segments: tuple[Segment, ...]
    tombstones: tuple[Tombstone, ...]
    taxonomy_version: str

    def to_bytes(self) -> bytes:
        """The file: canonical JSON and a line end."""
        return self._bytes

    @cached_property
    def _bytes(self) -> bytes:
        body = self._body()
        return _canonical({**body, "checksum": hashlib.sha256(_canonical(body)).hexdigest()})

    def _body(self) -> dict[str, Any]:
        # Spelt out: dataclasses.asdict takes ten times as long, and a manifest names every batch there ever was.
        return {
            "number": self.number,
            "parent": self.parent,
            "segments": [
                {
                    "name": one.name,
                    "rows": one.rows,
                    "files": {
                        name: {"sha256": file.sha256, "size": file.size, "rows": file.rows}
                        for name, file in one.files.items()
                    },
                }
                for one in self.segments
            ],
            "tombstones": [{"segment": one.segment, "row": one.row} for one in self.tombstones],
            "taxonomy_version": self.taxonomy_version,
        }

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes: the store's state in 64 hexadecimal digits."""
        return hashlib.sha256(self._bytes).hexdigest()

    def segment(self, name: str) -> Segment | None:
        """The segment of this name, None where the manifest has none."""
        return next((segment for segment in self.segments if segment.name == name), None)

    def holds(self, segment: Segment | None, tombstones: Collection[Tombstone]) -> bool:
        """Whether the segment, by its name, and all of the tombstones are in it."""
        return (segment is None or self.segment(segment.name) is not None) and set(self.tombstones).issuperset(
            tombstones
        )


def _canonical(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n").encode()


def first(segment: Segment, *, taxonomy_version: str) -> Manifest:
    """Manifest 1, of a store that holds one segment."""
    return Manifest(1, None, (segment,), (), taxonomy_version)


def following(
    parent: Manifest, segment: Segment | None, tombstones: Collection[Tombstone] = (), *, taxonomy_version: str
) -> Manifest:
    """The manifest after ``parent``: with one more segment, or None, and with these rows retracted too.

    Raises:
        UnknownRow: one of the rows is in no segment of it.
    """
    segments = parent.segments if segment is None else (*parent.segments, segment)
    rows = {one.name: one.rows for one in segments}
    for stone in tombstones:
        if not 0 <= stone.row < rows.get(stone.segment, 0):
            raise UnknownRow(f"the training store has no row {stone.row} of segment {stone.segment} to retract")
    return replace(
        parent,
        number=parent.number + 1,
        parent=parent.sha256,
        segments=segments,
        tombstones=(*parent.tombstones, *sorted({*tombstones}.difference(parent.tombstones))),
        taxonomy_version=taxonomy_version,
    )


def numbers(training: Path) -> list[int]:
    """Numbers of all manifests, ascending."""
    names = (_FILE.fullmatch(path.name) for path in (training / "manifests").glob("*.json"))
    return sorted(int(name.group(1)) for name in names if name)


def manifest_path(training: Path, number: int) -> Path:
    """Where a manifest lies, whether or not it is there."""
    return training / "manifests" / f"{number:06d}.json"


def newest(training: Path) -> Manifest | None:
    """The manifest that counts, None in an empty store.

    Raises:
        CorruptManifest: it was changed after publication.
    """
    known = numbers(training)
    return read(training, known[-1]) if known else None


def read(training: Path, number: int) -> Manifest:
    """One manifest, checked against its own checksum.

    Raises:
        NoManifest: there is none of this number.
        CorruptManifest: it was changed after publication.
    """
    path = manifest_path(training, number)
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NoManifest(f"there is no {path}") from error
    try:
        manifest = _parse(json.loads(data))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptManifest(f"{path} is no manifest: {error}") from error
    if manifest.to_bytes() != data or manifest.number != number:
        raise CorruptManifest(f"{path} was changed after it was published")
    return manifest


def _parse(body: Mapping[str, Any]) -> Manifest:
    segments = tuple(
        Segment(one["name"], one["rows"], {name: StoredFile(**file) for name, file in one["files"].items()})
        for one in body["segments"]
    )
    tombstones = tuple(Tombstone(**one) for one in body["tombstones"])
    return Manifest(body["number"], body["parent"], segments, tombstones, body["taxonomy_version"])


def publish(training: Path, manifest: Manifest) -> None:
    """Make ``manifest`` the newest, durably.

    Raises:
        ManifestTaken: another writer published this number first; nothing was changed.
    """
    path = manifest_path(training, manifest.number)
    make_folder(path.parent)
    failpoints.reach("manifest.built")
    try:
        publish_once(path, manifest.to_bytes())
    except FileExistsError as error:
        raise ManifestTaken(f"manifest {manifest.number} was published by another writer") from error
    failpoints.reach("manifest.visible")


def append_segment(training: Path, segment: Segment, *, taxonomy_version: str) -> int:
    """``publish_batch`` of a segment that retracts nothing."""
    return publish_batch(training, segment, (), taxonomy_version=taxonomy_version)


def publish_batch(
    training: Path, segment: Segment | None, tombstones: Collection[Tombstone], *, taxonomy_version: str
) -> int:
    """Publish one manifest that holds ``segment`` (None: no new rows) and retracts the rows ``tombstones``.

    Two writers, or one writer twice, publish a batch once: a lost race is tried again on top of the winner, and
    what the newest manifest holds already is not published again.

    Returns:
        The number of the first manifest that holds the whole batch.

    Raises:
        Conflict: a published segment has this name and other content.
        NoManifest: there is no segment, and the store is empty.
        UnknownRow: a tombstone names no row of the store.
    """
    while True:
        parent = newest(training)
        if parent is not None and _is_published(training, parent, segment, tombstones):
            return _introduced(training, parent.number, segment, tombstones)
        manifest = _next(training, parent, segment, tombstones, taxonomy_version)
        try:
            publish(training, manifest)
        except ManifestTaken:
            continue
        return manifest.number


def _is_published(training: Path, parent: Manifest, segment: Segment | None, tombstones: Collection[Tombstone]) -> bool:
    flush_again(manifest_path(training, parent.number))
    known = parent.segment(segment.name) if segment else None
    if known not in (None, segment):
        raise Conflict(f"manifest {parent.number} holds another segment {known.name}")
    return parent.holds(segment, tombstones)


def _next(
    training: Path,
    parent: Manifest | None,
    segment: Segment | None,
    tombstones: Collection[Tombstone],
    taxonomy_version: str,
) -> Manifest:
    if parent is not None:
        new = segment if segment and parent.segment(segment.name) is None else None
        return following(parent, new, tombstones, taxonomy_version=taxonomy_version)
    if segment is None:
        raise NoManifest(f"the training store {training} is empty, there is no row to retract")
    return first(segment, taxonomy_version=taxonomy_version)


def _introduced(training: Path, number: int, segment: Segment | None, tombstones: Collection[Tombstone]) -> int:
    """The first manifest that holds the batch, given that ``number`` does: manifests only ever gain."""
    return 1 + bisect_left(range(1, number), True, key=lambda one: read(training, one).holds(segment, tombstones))
