"""What else the database records: leases (I7), the release ledger and its packages (I6), the sealed audit (I9)."""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from core.domain.consistency import Staged, Staging
from core.domain.review import OutboxKind
from core.errors import EtalonError
from core.registry.packages import DroppedPackage, encoders_of, open_package
from core.store.fsck.violation import Violation


def check_leases(
    staging: Staging,
    claim_s: float,
    longest_s: Mapping[OutboxKind, float],
    see_photo: Callable[[str], object] | None,
) -> Iterator[Violation]:
    """Find claims that stay open, work that nobody takes, and work that cannot be done for want of a photo."""
    for batch in staging.batches:
        if batch.manifest is None and batch.age_s > claim_s:
            message = f"its {batch.rows} rows and {batch.retractions} retractions were claimed over {claim_s:.0f} s ago"
            yield Violation("I7", f"{message} and are not ingested", f"segment claim {batch.segment}")
    for prediction_id, staged in staging.predictions.items():
        where = f"prediction {prediction_id}"
        for work in staged.work:
            # The training store's work is claimed in batches, whose own lease is looked at above.
            undone = not work.done if work.kind is OutboxKind.ARCHIVE else work.waits
            if undone and work.age_s > longest_s[work.kind]:
                message = f"its {work.kind} of version {work.version} has waited over {longest_s[work.kind]:.0f} s"
                yield Violation("I7", message, where)
        if see_photo and staged.image_sha256 and _is_coming(staged):
            try:
                see_photo(staged.image_sha256)
            except EtalonError as error:
                yield Violation("I7", f"its append cannot be done: {error}", where)


def _is_coming(staged: Staged) -> bool:
    return any(not work.done for work in staged.of_kind(OutboxKind.APPEND))


def check_ledger(staging: Staging, packages: Path | None, *, full: bool) -> Iterator[Violation]:
    """Find epochs that do not follow one another, answers of nothing that was released, and packages not whole."""
    releases = staging.releases
    for at, release in enumerate(releases, start=1):
        if release.epoch != at:
            yield Violation("I6", f"epoch {at} is missing", f"ledger epoch {release.epoch}")
            break
    if releases and releases[0].previous:
        yield Violation("I6", "something came before the first", f"ledger epoch {releases[0].epoch}")
    for before, release in pairwise(releases):
        if dict(release.previous) != dict(before.models):
            message = f"what it says came before is not what epoch {before.epoch} served"
            yield Violation("I6", message, f"ledger epoch {release.epoch}")
    served = {(release.epoch, name, sha) for release in releases for name, sha in release.models.items()}
    for answer in staging.answered if releases else ():
        if (answer.epoch, answer.model, answer.package) not in served:
            message = f"predictions were answered by {answer.model} {answer.package}, which it did not serve"
            yield Violation("I6", message, f"ledger epoch {answer.epoch}")
    if packages is not None:
        named = {sha for release in releases for sha in release.models.values()}
        in_use = {sha for release in releases[-2:] for sha in release.models.values()}
        yield from _check_packages(packages, named, named - in_use, full)


def _check_packages(root: Path, named: set[str], old: set[str], full: bool) -> Iterator[Violation]:
    """Retention may have dropped what is neither served nor would be after a rollback; nothing else may be missing."""
    left, seen = sorted(named), set(named)
    while left:
        sha = left.pop()
        try:
            package = open_package(root, sha, rehash=full)
        except EtalonError as error:
            if isinstance(error, DroppedPackage) and sha in old:
                continue
            yield Violation("I6", str(error), str(root / sha))
            continue
        needed = [one for one in encoders_of(package) if one not in seen]
        left += needed
        seen.update(needed)


def check_audit(staging: Staging) -> Iterator[Violation]:
    """Find links of the audit's chain that are missing, or that their rows no longer give."""
    for at, seal in enumerate(staging.seals, start=1):
        where = f"audit seal {seal.seal}"
        if not seal.sha256:
            yield Violation("I9", f"{seal.found_rows} rows carry its number, and it was never sealed", where)
        elif seal.seal != at:
            yield Violation("I9", f"seal {at} is missing", where)
            return
        elif seal.found_rows != seal.rows:
            yield Violation("I9", f"{seal.rows} rows were sealed, {seal.found_rows} are left", where)
        elif seal.found_sha256 not in (None, seal.sha256):
            yield Violation("I9", "its rows are not those that were sealed", where)
