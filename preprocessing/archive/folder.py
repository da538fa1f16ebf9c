"""The archive as a folder on this machine."""

import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from core.durable import flush, make_folder, write_durably
from preprocessing.archive.parcel import ArchiveUnavailable, Parcel

PLACE = "folder"


class FolderArchive:
    """Parcels as ``<day>/<name>/`` below ``root``. Names are enough to find them: ids are given out and not used."""

    place = PLACE

    def __init__(self, root: Path) -> None:
        self._root = root

    def close(self) -> None:
        """Nothing is open."""

    def reserve(self, count: int) -> list[str]:
        """Ids that nothing has yet."""
        return [uuid.uuid4().hex for _ in range(count)]

    def store(self, parcel: Parcel, day_folder: str, ids: Mapping[str, str]) -> None:
        """Write a parcel's files, durably; what is there is written again.

        Raises:
            ArchiveUnavailable: the disk refused.
        """
        try:
            folder = make_folder(self._root / parcel.day / parcel.name)
            for name, data in parcel.files.items():
                write_durably(folder / name, data)
        except OSError as error:
            raise ArchiveUnavailable(f"{self._root} does not take parcels: {error.strerror}") from error

    def remove(self, parcel: Parcel, ids: Mapping[str, str]) -> None:
        """Delete a parcel's folder, if it is there.

        Raises:
            ArchiveUnavailable: the disk refused.
        """
        day = self._root / parcel.day
        try:
            shutil.rmtree(day / parcel.name)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ArchiveUnavailable(f"{day} does not let parcels go: {error.strerror}") from error
        flush(day)

    def parcels(self) -> Iterator[Parcel]:
        """Every parcel, in the order of day and name."""
        for folder in sorted(self._root.glob("*/*/")):
            files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name[0] != "."}
            yield Parcel(folder.parent.name, folder.name, files)
