"""Removing photos that nothing names any more: of deleted and erased products, and of uploads that were never answered.

A photo goes when no prediction and no live training row names it and nobody stored it again for a day. It is moved
aside first and looked at once more, so that an upload of the same photo in that very moment finds it or writes it anew.
A sweeper that was killed between the two leaves a whole photo aside: the next one puts it back before it looks.
"""

import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import tables
from core.durable import aside_name, flush
from core.settings import StoreSettings
from core.store import manifests
from core.store.segments import read_products

OLDER_THAN_S = 24 * 3600.0
_WRITERS_ARE_DONE_S = 3600.0  # whoever still writes a photo began less than this ago

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Swept:
    """How many photos there were, and how many of them went."""

    photos: int
    removed: int


def sweep_photos(
    sessions: sessionmaker[Session], store: StoreSettings, *, now_s: float, older_than_s: float = OLDER_THAN_S
) -> Swept:
    """Remove the photos that nothing names.

    Args:
        sessions: sessions that read.
        store: where photos and training rows are.
        now_s: the present by the clock that dates files, seconds since 1970.
        older_than_s: photos stored, or stored again, since then stay.

    Raises:
        EtalonError: a manifest or a segment cannot be read; nothing was removed.
    """
    for left in store.images.glob(".*.aside"):
        with suppress(FileNotFoundError):  # its writer lives and is done with it
            _put_back_or_remove(left, now_s - _WRITERS_ARE_DONE_S)
    found = {path.name: path for path in store.images.glob("[0-9a-f]*")} if store.images.is_dir() else {}
    before = now_s - older_than_s
    old = {name for name, path in found.items() if path.stat().st_mtime < before}
    with sessions() as session:
        old.difference_update(tables.photos(session))
    old.difference_update(_named_by_rows(store.training))
    removed = sum(_remove(found[name], before) for name in sorted(old))
    if removed:
        flush(store.images)
    _log.info("sweep.done", extra={"photos": len(found), "removed": removed})
    return Swept(len(found), removed)


def _named_by_rows(training: Path) -> Iterator[str]:
    newest = manifests.newest(training)
    dead = {(stone.segment, stone.row) for stone in newest.tombstones} if newest else set()
    for segment in newest.segments if newest else ():
        for at, row in enumerate(read_products(training, segment)):
            if (segment.name, at) not in dead:
                yield row.image_sha256


def _remove(photo: Path, before: float) -> bool:
    aside = aside_name(photo)
    photo.rename(aside)
    if _remove_if_old(aside, before):
        return True
    aside.replace(photo)  # somebody stored it again just now
    return False


def _remove_if_old(path: Path, before: float) -> bool:
    if path.stat().st_mtime >= before:
        return False
    path.unlink()
    return True


def _put_back_or_remove(aside: Path, before: float) -> None:
    """Settle what a killed writer or sweeper left: the only copy of a whole photo is kept, anything else goes."""
    if aside.stat().st_mtime >= before:
        return
    sha256 = aside.name.split(".")[1]
    if hashlib.sha256(aside.read_bytes()).hexdigest() == sha256:
        with suppress(FileExistsError):  # a newer copy is never replaced by this one
            os.link(aside, aside.with_name(sha256))
            flush(aside.parent)
    aside.unlink()
