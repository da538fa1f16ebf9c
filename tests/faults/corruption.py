"""Bytes flipped, cut off, added or removed in every kind of file that the loop relies on.

fsck names the file; training and serving refuse it; what may be derived again is; and once the file is back as it
was, the loop goes on as if nothing had happened. One kind alone: ``--only "corruption:KIND"``.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from core.db.models import Promotion
from core.errors import EtalonError
from core.registry.packages import open_package, write_package
from core.settings import StoreSettings
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder
from tests.faults import workload
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.episode import Episode
from tests.faults.filesystem import open_staged, stage_work
from tests.faults.workload import Journal
from tests.integration.ingest.shop import Shop

_WORKERS = 2
DAMAGES = ("flip", "cut", "add", "remove")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        pattern: finds it below the store's root.
        which: of what was found, sorted: the first (0) or the last (-1).
        named: what fsck's line about it holds.
        refused: reads it as training or serving does; None where nothing of ours reads it.
        append: whether the next append is run over the damage; where it fails, it must not have touched anything.
    """

    pattern: str
    which: int
    named: tuple[str, ...]
    refused: Callable[[StoreSettings], object] | None
    append: bool = True


@dataclass(frozen=True, slots=True)
class Staged:
    """A shop in which work waits and one package is released, and what its people were told."""

    template: Path
    journal: Journal


@dataclass(frozen=True, slots=True)
class Trial:
    """``damage`` to a file of ``kind``; ``number`` tells trials of the same two apart."""

    kind: str
    damage: str
    number: int

    def __str__(self) -> str:
        return f"{self.damage} {self.kind} {self.number}"


def _read_everything(store: StoreSettings) -> None:
    snapshot = Snapshot.open(store.training)
    for segment in snapshot.segments:
        snapshot.images(segment.name)


def _open_package(store: StoreSettings) -> None:
    open_package(store.packages, next(path.name for path in store.packages.iterdir()))


KINDS: Mapping[str, Kind] = {
    "base products": Kind("training/segments/*/products.csv", 0, ("000000-base", "products.csv"), _read_everything),
    "batch products": Kind("training/segments/*/products.csv", -1, ("000001", "products.csv"), _read_everything),
    "base tensors": Kind("training/segments/*/images.npy", 0, ("000000-base", "images.npy"), _read_everything),
    "batch tensors": Kind("training/segments/*/images.npy", -1, ("000001", "images.npy"), _read_everything),
    "newest manifest": Kind("training/manifests/*.json", -1, ("000002",), _read_everything),
    "older manifest": Kind("training/manifests/*.json", 0, ("00000",), None, append=False),
    "training.csv": Kind("training/training.csv", 0, ("training.csv",), None),
    "package arrays": Kind("packages/*/*.safetensors", 0, ("packages/",), _open_package),
    "package spec": Kind("packages/*/spec.json", 0, ("packages/",), _open_package),
    "package manifest": Kind("packages/*/manifest.json", 0, ("packages/",), _open_package),
    "package card": Kind("packages/*/model_card.md", 0, ("packages/",), _open_package),
    "photo of a row": Kind("images/*", 0, ("photo",), None),
    "photo that waits": Kind("images/*", 0, ("photo",), None),
}


_FALLEN_BACK = Kind("training/manifests/*.json", -1, ("segment claim 1",), None, append=False)
"""Without its newest manifest the store is sound and older: only the database knows better."""


def run(plan: Plan, say: Progress) -> Tally:
    """Damage every kind of file in every way."""
    tally = Tally()
    times = 5 if plan.full else 1
    trials = [
        Trial(kind, damage, number)
        for kind in KINDS
        for damage in DAMAGES
        for number in range(times)
        if plan.only in (None, kind)
    ]
    with ProcessPoolExecutor(_WORKERS, mp_context=get_context("spawn")) as pool:
        staged = pool.submit(stage, plan).result()
        waiting = [pool.submit(try_all, plan, staged, trials[at::10]) for at in range(10)]
        for future in as_completed(waiting):
            tally += future.result()
            say(f"{tally.faults} of {len(trials)} files damaged, {len(tally.violations)} violations")
    tally.notes.append(f"{len(trials)} damaged files of {len(KINDS)} kinds")
    return tally


def stage(plan: Plan) -> Staged:
    """A shop with work waiting, whose one released package answered everything."""
    template = workload.build(plan.folder / "template")
    shop = Shop.open(template)
    sha = write_package(
        shop.store.packages,
        kind="toy",
        spec={"classes": [10, 40, 2583]},
        arrays={"weights": np.arange(60, dtype=np.float32)},
        extra_files={"model_card.md": b"# A toy\n"},
    ).sha
    with shop.sessions.begin() as session:
        release = Promotion(epoch=1, kind="first", models={"fusion": sha}, previous={}, actor="test", reason="first")
        release.taxonomy_version = "t"
        session.add(release)
    shop.engine.dispose()
    episode = stage_work(plan, template, answered_by=sha)
    episode.check()
    if episode.tally.failed:
        raise RuntimeError("; ".join(episode.tally.violations))
    return Staged(episode.shop.folder, episode.reviewers.journal)


def try_all(plan: Plan, staged: Staged, trials: Sequence[Trial]) -> Tally:
    """Some trials, in a worker."""
    return sum((try_one(plan, staged, trial) for trial in trials), Tally())


def try_one(plan: Plan, staged: Staged, trial: Trial) -> Tally:
    """Damage one file, see that everybody notices, put it back and see that nobody minds."""
    episode = open_staged(plan, staged.template, staged.journal, str(trial))
    kind = KINDS[trial.kind]
    if trial.kind == "newest manifest" and trial.damage == "remove":
        kind = _FALLEN_BACK
    path = _find(episode, trial, kind)
    whole = path.read_bytes()
    damage(path, trial.damage, plan.random(trial))
    _expect_noticed(episode, kind, path)
    derived = path.name == "training.csv"
    if kind.append:
        ended = episode.start().wait()
        if derived and ended.status != 0:
            episode.report(f"a damaged {path.name} should have been written again: {ended.last_words}")
        if not derived:
            _expect_noticed(episode, kind, path)
    if not derived:
        path.write_bytes(whole)
    episode.settle()
    episode.tally.faults += 1
    return episode.close()


def _find(episode: Episode, trial: Trial, kind: Kind) -> Path:
    images = ImageFolder(episode.shop.store.images)
    if trial.kind == "photo of a row":
        return images.path(Snapshot.open(episode.shop.store.training).rows[0].image_sha256)
    if trial.kind == "photo that waits":
        newest = list(episode.reviewers.journal.expected().values())[-1]
        return images.path(workload.upload(newest.photo or 0).sha256)
    return sorted(episode.shop.store.root.glob(kind.pattern))[kind.which]


def damage(path: Path, how: str, rng: random.Random) -> None:
    """Hurt a file in one of ``DAMAGES``."""
    data = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
        return
    if how == "flip":
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == "cut":
        del data[rng.randrange(len(data)) :]
    else:
        data += rng.randbytes(rng.randint(1, 100))
    path.write_bytes(data)


def _expect_noticed(episode: Episode, kind: Kind, path: Path) -> None:
    where = path.relative_to(episode.shop.store.root)
    found = episode.ask_fsck()
    line = next((line for line in found.out.splitlines() if all(name in line for name in kind.named)), None)
    if found.status != 1 or line is None:
        episode.report(f"fsck does not name {where}: {found.out or found.last_words}")
    if kind.refused is None:
        return
    try:
        kind.refused(episode.shop.store)
    except EtalonError:
        return
    episode.report(f"{where} is damaged, and was read all the same")
