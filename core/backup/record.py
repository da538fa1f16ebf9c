"""``backup.json``: what a backup holds. Without it, or with another content than it says, there is no backup."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from core.errors import Conflict, NotFound, Unavailable

RECORD = "backup.json"
FORMAT = 1


class NoBackup(NotFound):
    """The folder holds no finished backup."""

    code = "backup.incomplete"


class CorruptBackup(Unavailable):
    """A file of a backup is missing or is not the one that was written; nothing was restored."""

    code = "backup.corrupt"


class Refused(Conflict):
    """What was asked would overwrite something, or would not fit."""

    code = "backup.refused"


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of a backup.

    Attributes:
        file: where it lies, relative to the backup.
        target: where it belongs, relative to the store's root; for a table, its name.
        sha256: of its bytes.
        size: in bytes.
    """

    file: str
    target: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """A finished backup.

    Attributes:
        revision: of the database's schema.
        taken_at: the moment it is of, UTC, by the database's clock, ISO 8601.
        manifest: the newest one it holds, None for an empty training store.
        rows: of each table.
        tables: their files.
        files: the store's.
    """

    revision: str
    taken_at: str
    manifest: int | None
    rows: dict[str, int]
    tables: tuple[Stored, ...]
    files: tuple[Stored, ...]

    def to_bytes(self) -> bytes:
        """The file: its format, its content, and a checksum of both."""
        body = {"format": FORMAT, **asdict(self)}
        return _dump({**body, "checksum": hashlib.sha256(_dump(body)).hexdigest()})

    @property
    def everything(self) -> tuple[Stored, ...]:
        """Every file of the backup but the record itself."""
        return (*self.tables, *self.files)


def _dump(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()


def read_record(folder: Path) -> Record:
    """The record of the backup in ``folder``.

    Raises:
        NoBackup: there is none: the folder is something else, or the backup was never finished.
        CorruptBackup: it was changed.
    """
    path = folder / RECORD
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NoBackup(f"{folder} holds no finished backup: there is no {RECORD}") from error
    try:
        body = json.loads(data)
        lists = {name: tuple(Stored(**one) for one in body.pop(name)) for name in ("tables", "files")}
        format_, _ = body.pop("format"), body.pop("checksum")
        record = Record(**body, **lists)
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptBackup(f"{path} cannot be read: {error}") from error
    if format_ != FORMAT:
        raise CorruptBackup(f"{path} has format {format_}, this program reads {FORMAT}")
    if record.to_bytes() != data or not all(_stays_inside(one) for one in record.everything):
        raise CorruptBackup(f"{path} was changed after it was written")
    return record


def _stays_inside(stored: Stored) -> bool:
    paths = (PurePosixPath(stored.file), PurePosixPath(stored.target))
    return not any(path.is_absolute() or ".." in path.parts for path in paths)


def verify(folder: Path, record: Record, progress: Callable[[int], None]) -> None:
    """Read every file of a backup.

    Raises:
        CorruptBackup: names each one that is missing or changed.
    """
    wrong = list(_wrong(folder, record, progress))
    if wrong:
        raise CorruptBackup(f"{len(wrong)} of {len(record.everything)} files are not as written: {'; '.join(wrong)}")


def _wrong(folder: Path, record: Record, progress: Callable[[int], None]) -> Iterator[str]:
    for number, stored in enumerate(record.everything, start=1):
        path = folder / stored.file
        if not path.is_file():
            yield f"{path} is missing"
        elif path.stat().st_size != stored.size or sha256_of(path) != stored.sha256:
            yield f"{path} has changed"
        progress(number)


def sha256_of(path: Path) -> str:
    """Sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
