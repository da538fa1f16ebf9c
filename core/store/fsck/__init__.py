"""The loop's invariants as one function: what it finds is what is wrong, and nothing else is.

I1  every verdict is in the database with the work it asks for
I2  each (prediction, version) is in the training view at most once, exactly once after its append is done
I3  no row in the view without a standing verdict or a base import
I4  a row's code is the last accepted one, its split and cluster those it was given at intake
I5  every file has the sha256 its manifest names, the chain of manifests is unbroken, CSV and tensors align
I6  the ledger's epochs follow one another, their packages are whole, and answers named what was served
I7  nothing is stuck longer than its lease
I8  retracted rows are absent from the newest snapshot, and erased texts from the database
I9  the sealed audit is what was sealed

The store alone answers I5 and half of I2 and I3; the rest compares it with the staging database.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.domain.consistency import Staging
from core.domain.review import OutboxKind
from core.store.fsck import batches, files, labels, records
from core.store.fsck.files import ReadTensor, View
from core.store.fsck.violation import Violation

__all__ = ["INVARIANTS", "Lease", "ReadTensor", "Violation", "check"]

INVARIANTS = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9")


@dataclass(frozen=True, slots=True)
class Lease:
    """How long things may take before they count as stuck, in seconds."""

    claim_s: float = 3600.0
    waiting_s: float = 2 * 24 * 3600.0
    archive_s: float = 2 * 24 * 3600.0

    @property
    def longest_s(self) -> dict[OutboxKind, float]:
        """How long each kind of work may wait."""
        store_work = dict.fromkeys((OutboxKind.APPEND, OutboxKind.RETRACT), self.waiting_s)
        return {**store_work, OutboxKind.ARCHIVE: self.archive_s}


def check(
    training: Path,
    *,
    read_staging: Callable[[], Staging] | None = None,
    read_tensor: ReadTensor | None = None,
    see_photo: Callable[[str], object] | None = None,
    packages: Path | None = None,
    full: bool = False,
    lease: Lease | None = None,
) -> list[Violation]:
    """Compare the training store with itself and with the staging database.

    Safe beside a running system: the database is asked before and, where something looks wrong, once more after
    the store was read, and only what is wrong by both answers is reported.

    Args:
        training: root of the training store; one without a manifest holds nothing and breaks nothing.
        read_staging: asks the database; None leaves out what only it can answer.
        read_tensor: computes a row's tensor again; with ``full``, every live tensor is compared with it.
        see_photo: looks at the photo of this sha256 and raises an ``EtalonError`` if it is not what it should be; None
            leaves the photos of waiting rows out.
        packages: folder of the packages that the ledger names; None leaves them out.
        full: read tensors and packages too. Without it sizes and headers are compared; texts are always read.
        lease: when a claim or a waiting row counts as stuck.

    Returns:
        Every violation found, none when all is well. It never raises for what it was made to find.
    """

    def compare(staging: Staging) -> Iterator[Violation]:
        yield from labels.check(view, staging)
        yield from batches.check(view, staging)
        yield from records.check_leases(staging, lease.claim_s, lease.longest_s, see_photo)
        yield from records.check_ledger(staging, packages, full=full)
        yield from records.check_audit(staging)

    lease = lease or Lease()
    before = read_staging() if read_staging else None
    view = View()
    found = list(files.read(training, view, read_tensor, full=full))
    suspected = list(compare(before)) if before is not None else []
    del before
    if suspected and read_staging is not None:
        confirmed = set(compare(read_staging()))
        suspected = [one for one in suspected if one in confirmed]
    return found + suspected
