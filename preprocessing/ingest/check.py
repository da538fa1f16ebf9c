"""The check of the loop's invariants on the real database and the real disk; what it found is kept in the database."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from core.db.one_moment import one_moment
from core.db.repositories import consistency, store_checks
from core.db.session import make_sessions
from core.domain.consistency import Staging
from core.settings import LoopSettings, StoreSettings
from core.store import fsck, manifests
from core.store.fsck import Lease, Violation
from preprocessing.images import ImageFolder
from preprocessing.ingest.tensors import tensor_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; ``manifest`` is the number of the newest one it saw, None in an empty store."""

    violations: list[Violation]
    manifest: int | None


def check_loop(
    engine: Engine, store: StoreSettings, loop: LoopSettings, *, full: bool, as_of: datetime | None = None
) -> Checked:
    """Check every invariant and record the result.

    Args:
        engine: the staging database.
        store: the training store, photos and packages that belong to it.
        loop: how long a row may wait before a batch takes it.
        full: read every tensor, photo and package too.
        as_of: when ages are measured, UTC: a restored backup is as old as it was; None: now.
    """
    photos = ImageFolder(store.images)
    claim_s = Lease().claim_s

    def read_staging() -> Staging:
        with one_moment(engine) as session:
            return consistency.staging(session, full=full, as_of=as_of)

    known = manifests.numbers(store.training)
    violations = fsck.check(
        store.training,
        read_staging=read_staging,
        read_tensor=lambda row: tensor_of(row, photos),
        see_photo=photos.get if full else photos.require,
        packages=store.packages,
        full=full,
        lease=Lease(claim_s=claim_s, waiting_s=loop.max_age_s + claim_s),
    )
    checked = Checked(violations, known[-1] if known else None)
    broken = [violation.invariant for violation in violations]
    with make_sessions(engine).begin() as session:
        store_checks.record(session, complete=full, manifest=checked.manifest, broken=broken)
    return checked
