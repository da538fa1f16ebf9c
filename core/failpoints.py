"""Named places where a fault test may hurt the process; nothing happens unless ``ETALON_FAILPOINT`` is set.

``ETALON_FAILPOINT=name:nth:action`` acts on the nth time (counted from 1) the process reaches ``name``:

    kill   SIGKILL to the process itself
    stop   SIGSTOP: a stalled process, which SIGCONT wakes
    delay  sleep for ``DELAY_S``
    error  raise ``FailpointError``, an input/output error
    full   raise ``FailpointError``, no space left on the device
    torn   where bytes are being written, write the first half of them and SIGKILL; elsewhere it is ``kill``

``ETALON_FAILPOINT_LOG=file`` adds a line with its name each time a failpoint is reached.
"""

import errno
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

POINTS: dict[str, str] = {
    # core.durable: one file replaced in one step
    "file.created": "the file aside exists and is empty",
    "file.written": "its bytes are written, not flushed",
    "file.flushed": "its bytes are on the disk under the name aside",
    "file.renamed": "it has its name, which is not on the disk",
    "file.durable": "its name is on the disk",
    # core.store.durable: a file that only the first writer creates
    "once.written": "the file aside is flushed, and has no name yet",
    "once.linked": "it has its name, which is not on the disk",
    "once.durable": "its name is on the disk",
    # core.store.segments
    "segment.begun": "the folder aside exists and is empty",
    "segment.line": "a line of products.csv is about to be written",
    "segment.products": "products.csv is flushed in the folder aside",
    "segment.tensor": "a tensor is about to be written",
    "segment.row": "it is written",
    "segment.images": "images.npy is flushed in the folder aside",
    "segment.written": "the folder aside is whole and flushed",
    "segment.visible": "the segment has its name, which is not on the disk",
    "segment.durable": "its name is on the disk",
    # core.store.manifests
    "manifest.built": "the next manifest is decided, nothing of it is written",
    "manifest.visible": "it is published",
    # core.store.training_csv
    "training_csv.begun": "lines are about to be added, or the file rewritten",
    "training_csv.written": "training.csv is written and its record is not",
    "training_csv.recorded": "its record is written",
    # preprocessing.ingest: claim, append, import
    "claim.numbered": "the claim's row is inserted, not committed",
    "claim.outbox": "the outbox rows carry its number, not committed",
    "claim.frozen": "the predictions are frozen, not committed",
    "append.claimed": "the claim is committed",
    "append.published": "the batch is in the newest manifest",
    "append.marking": "everything is marked, not committed",
    "append.marked": "the marks are committed",
    "import.taxonomy": "the taxonomy is written",
    "import.written": "the base segment is written",
    "import.registered": "its fingerprints are in the database",
    "import.published": "its manifest is published",
    # preprocessing.archive
    "archive.claimed": "a rejection is claimed and its ids are written down, nothing is sent",
    "archive.stored": "its parcel lies in the archive, and is not marked",
    "archive.removed": "a parcel is out of the archive, and is not marked",
    # preprocessing.images
    "photo.stored": "an upload's photo is on the disk, no row names it",
    # api: predictions and verdicts
    "predict.staging": "the prediction is inserted, not committed",
    "predict.staged": "it is committed, the answer is not sent",
    "verdict.moved": "the prediction has moved, its verdict and work are not inserted",
    "verdict.recorded": "verdict, work and audit are inserted, not committed",
    "verdict.committed": "they are committed, the answer is not sent",
    "bulk.item": "one of several verdicts is inserted, none is committed",
    "retraction.chunk": "some of a reviewer's labels are taken back and committed, others not yet",
    # training: features, packages, promotion
    "features.segment": "one segment's features are cached",
    "package.written": "the package's folder aside is whole, it has no name",
    "package.visible": "the package has its name",
    "promotion.inserted": "the new epoch is inserted, not committed",
    "promotion.committed": "it is committed, the registry's alias still names the old one",
    # core.retention
    "retention.recorded": "what goes is written down, and still there",
    "retention.models_aside": "models are renamed, their encoders are still there",
    "retention.aside": "everything is renamed, nothing is deleted",
    "retention.deleted": "one thing is deleted, others may be left aside",
}
"""Every failpoint and what is true when it is reached. The fault tests reach all of them."""

DELAY_S = 0.5

_reached: Counter[str] = Counter()
_ERRORS = {"error": errno.EIO, "full": errno.ENOSPC}
ACTIONS = ("kill", "stop", "delay", "error", "full", "torn")


class FailpointError(OSError):
    """The fault a test asked for."""


def reach(name: str, *, tear: Callable[[], object] | None = None) -> None:
    """Declare that the process stands at ``name``.

    Args:
        name: one of ``POINTS``.
        tear: writes the first half of the bytes that are about to be written, for the action ``torn``.

    Raises:
        FailpointError: the environment asks for an error here and now.
        ValueError: ``ETALON_FAILPOINT`` cannot be read, or ``name`` is not registered.
    """
    wanted, log = os.environ.get("ETALON_FAILPOINT"), os.environ.get("ETALON_FAILPOINT_LOG")
    if not wanted and not log:
        return
    if name not in POINTS:
        raise ValueError(f"a failpoint is listed in core.failpoints. Received: {name!r}")
    if log:
        _note(Path(log), name)
    if not wanted:
        return
    target, nth, action = _parse(wanted)
    if name != target:
        return
    _reached[name] += 1
    if _reached[name] == nth:
        _act(name, action, tear)


def _note(log: Path, name: str) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")


def _parse(wanted: str) -> tuple[str, int, str]:
    parts = wanted.split(":")
    if len(parts) != 3 or not parts[1].isdigit() or parts[2] not in ACTIONS:
        raise ValueError(f"ETALON_FAILPOINT is name:nth:action, one of {', '.join(ACTIONS)}. Received: {wanted!r}")
    return parts[0], int(parts[1]), parts[2]


def _act(name: str, action: str, tear: Callable[[], object] | None) -> None:
    if action in _ERRORS:
        raise FailpointError(_ERRORS[action], f"{os.strerror(_ERRORS[action])} (failpoint {name})")
    if action == "delay":
        time.sleep(DELAY_S)
    elif action == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    else:
        if action == "torn" and tear is not None:
            tear()
        _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL cannot be survived")
