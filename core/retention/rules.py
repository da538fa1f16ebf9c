"""Which packages, caches and files may go: pure functions of what exists and what is named, with a reason for each.

Moments are seconds since 1970 by the clock that dates files. Whatever was made or asked for since ``since`` stays,
whoever names it: a job may be about to need it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is removed, as the result counts it."""

    MODEL = "models"
    ENCODER = "encoders"
    FEATURES = "features"
    COMPILED = "compiled"
    TUNED = "finetuned"
    CHECKPOINT = "checkpoints"
    TENSORBOARD = "tensorboard"
    AIRFLOW_LOG = "airflow_logs"
    LEFTOVER = "leftovers"
    TRACKED = "mlflow"


@dataclass(frozen=True, slots=True)
class Packaged:
    """One package as retention sees it.

    Attributes:
        sha: its name.
        is_model: a model's, not an encoder's.
        bytes: on the disk.
        touched_at: when it appeared here or was last claimed, whichever is later.
        features: shas that a model's features are cached under, those of its encoders and of what is computed by code.
        encoders: shas of the encoder packages that a model needs.
        warm_start: sha of the package whose weights a model's training started from.
        tuned_from: sha of the package that an encoder was fine-tuned from.
        files: sha256 of each of its files.
        weights: sha256 of the files that an encoder's weights were read from.
        is_readable: its manifest and spec could be read; nothing else is known where they could not.
    """

    sha: str
    is_model: bool
    bytes: int
    touched_at: float
    features: frozenset[str] = frozenset()
    encoders: frozenset[str] = frozenset()
    warm_start: str | None = None
    tuned_from: str | None = None
    files: frozenset[str] = frozenset()
    weights: frozenset[str] = frozenset()
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch of the ledger serves (package shas by model name), and since when."""

    number: int
    models: Mapping[str, str]
    since: float


@dataclass(frozen=True, slots=True)
class Kept:
    """Why something stays, and whether trainings may want it soon: then its features stay, too."""

    reason: str
    is_recent: bool


def kept_epochs(ledger: Sequence[Epoch], *, count: int, since: float) -> list[Epoch]:
    """The newest ``count`` epochs (at least the served one and the one before), and those that served after ``since``.

    Args:
        ledger: oldest first.
        count: how many stay at least.
        since: an epoch that was left later than this stays.
    """
    ends = [*(epoch.since for epoch in ledger[1:]), float("inf")][: len(ledger)]
    newest = len(ledger) - max(2, count)
    return [epoch for at, (epoch, end) in enumerate(zip(ledger, ends, strict=True)) if at >= newest or end >= since]


def name_releases(ledger: Sequence[Epoch], kept: Iterable[Epoch]) -> dict[str, Kept]:
    """The packages that kept epochs serve; those of the two newest are what trainings are compared with."""
    newest = {epoch.number for epoch in ledger[-2:]}
    named: dict[str, Kept] = {}
    for epoch in sorted(kept, key=lambda one: one.number):
        for name, sha in epoch.models.items():
            named[sha] = Kept(f"epoch {epoch.number} serves it as {name}", epoch.number in newest)
    return named


def keep_packages(found: Collection[Packaged], named: Mapping[str, Kept], *, since: float) -> dict[str, Kept]:
    """Why each package that stays does so; the others may go.

    Named and young packages stay, and those that cannot be read: something is wrong there, which is no reason to
    remove evidence. With a model stay its encoders and the weights that it started from, so that it can be trained
    again; with an encoder what it was tuned from. While a model that stays cannot be read, every encoder stays.
    """
    by_sha = {one.sha: one for one in found}
    kept = {one.sha: why for one in found if (why := _by_itself(one, named, since)) is not None}
    _add(kept, by_sha, list(_starts(kept, by_sha)))
    _add(kept, by_sha, list(_needed(kept, by_sha)))
    _add(kept, by_sha, list(_origins(kept, by_sha)))
    return kept


def _by_itself(one: Packaged, named: Mapping[str, Kept], since: float) -> Kept | None:
    if one.touched_at >= since:
        return Kept("it was made or asked for lately", True)
    if one.sha in named:
        return named[one.sha]
    return None if one.is_readable else Kept("it cannot be read, so nothing is known of it", False)


def _starts(kept: Mapping[str, Kept], by_sha: Mapping[str, Packaged]) -> Iterator[tuple[str, Kept]]:
    for sha in kept:
        if start := by_sha[sha].warm_start:
            yield start, Kept(f"{sha[:12]} started from its weights", False)


def _needed(kept: Mapping[str, Kept], by_sha: Mapping[str, Packaged]) -> Iterator[tuple[str, Kept]]:
    for sha, why in kept.items():
        for encoder in by_sha[sha].encoders:
            yield encoder, Kept(f"{sha[:12]} needs it", why.is_recent)
        if not by_sha[sha].is_readable:
            everything = Kept(f"{sha[:12]}, which cannot be read, may need it", False)
            yield from ((one.sha, everything) for one in by_sha.values() if not one.is_model)


def _origins(kept: Mapping[str, Kept], by_sha: Mapping[str, Packaged]) -> Iterator[tuple[str, Kept]]:
    """What tuned encoders come from, and that from what, to the end."""
    for sha in kept:
        seen, origin = {sha}, by_sha[sha].tuned_from
        while origin in by_sha and origin not in seen:
            yield origin, Kept(f"{sha[:12]} was tuned from it", False)
            seen.add(origin)
            origin = by_sha[origin].tuned_from


def _add(kept: dict[str, Kept], by_sha: Mapping[str, Packaged], more: Iterable[tuple[str, Kept]]) -> None:
    """Add those that exist; a reason that keeps features, too, wins over one that does not."""
    for sha, why in more:
        if sha in by_sha and (sha not in kept or (why.is_recent and not kept[sha].is_recent)):
            kept[sha] = why


def recent_features(found: Iterable[Packaged], kept: Mapping[str, Kept]) -> set[str]:
    """The shas under which trainings look for features: of what is served, new, waiting or asked for."""
    recent = [one for one in found if one.sha in kept and kept[one.sha].is_recent]
    return {sha for one in recent for sha in (one.features if one.is_model else {one.sha})}


@dataclass(frozen=True, slots=True)
class CacheFile:
    """``features/<encoder>/<name>``."""

    encoder: str
    name: str
    changed_at: float


_PART = ".part-"


def stale_features(
    files: Iterable[CacheFile], *, encoders: Collection[str], names: Collection[str] | None, since: float
) -> Iterator[tuple[CacheFile, str]]:
    """The files of the feature cache that no training will look for, and why.

    Args:
        files: all of them.
        encoders: shas whose features stay.
        names: the files that the newest snapshot would read; None where that is not known.
        since: younger files stay.
    """
    for file in files:
        if file.changed_at >= since:
            continue
        whole, part, _ = file.name.partition(_PART)
        if file.encoder not in encoders:
            yield file, "no served or recent package names its encoder"
        elif part:
            yield file, "a killed job left it"
        elif names is not None and whole not in names:
            yield file, "its rows or photos are read in another way by now"


@dataclass(frozen=True, slots=True)
class Tuned:
    """``finetuned/<name>/``: weights that were tuned here; ``weights`` are the sha256 of its files of weights."""

    name: str
    changed_at: float
    weights: frozenset[str]


def stale_tuned(
    folders: Iterable[Tuned], found: Iterable[Packaged], kept: Collection[str], *, since: float
) -> Iterator[Tuned]:
    """The tuned weights whose encoder package does not stay."""
    needed = {sha for one in found if one.sha in kept for sha in one.weights}
    return (one for one in folders if one.changed_at < since and not one.weights & needed)


@dataclass(frozen=True, slots=True)
class Compiled:
    """``packages/compiled/<name>/``: a graph compiled for a processor; ``graph`` are the sha256 of its files."""

    name: str
    made_at: float
    graph: frozenset[str]


def stale_compiled(
    entries: Iterable[Compiled], found: Iterable[Packaged], kept: Collection[str], *, since: float
) -> Iterator[Compiled]:
    """The compiled graphs of packages that do not stay."""
    needed = {sha for one in found if one.sha in kept for sha in one.files}
    return (one for one in entries if one.made_at < since and not one.graph & needed)


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the model registry of the tracking server: a copy of one package."""

    model: str
    version: str
    package: str | None
    has_alias: bool
    made_at: float


def stale_versions(versions: Iterable[Registered], dropped: Collection[str], *, since: float) -> Iterator[Registered]:
    """The versions of packages that were dropped here. A server may be shared: what is not known here stays."""
    return (one for one in versions if one.package in dropped and not one.has_alias and one.made_at < since)


def over_budget(held: Mapping[str, int], budgets: Mapping[str, int]) -> dict[str, dict[str, int]]:
    """``bytes`` and ``budget`` of each folder that holds more than its budget."""
    return {
        name: {"bytes": held.get(name, 0), "budget": budget}
        for name, budget in sorted(budgets.items())
        if held.get(name, 0) > budget
    }
