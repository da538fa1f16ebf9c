"""The verb ``retain``: what nothing needs any more goes, and whoever asks is told what and why (docs/retention.md).

Of segments, manifests, ledger, audit, verdicts, judgements and looks nothing ever goes. Everything here is safe to
repeat, to kill at any point, and to run beside trainings, promotions, the service and a backup.
"""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from core.errors import EtalonError, Unavailable
from core.registry.claims import taking_away
from core.registry.packages import COMPILED
from core.retention import inventory, references, removal, rules
from core.retention.personal import count_outdated, erase_outdated
from core.retention.rules import Kept, Kind, Packaged
from core.settings import RetentionSettings, StoreSettings
from core.store import manifests
from inference.family import IMAGE, TEXT, WITHOUT_WEIGHTS
from inference.feature_cache import file_name
from training.jobs.runs import ResultFile
from training.jobs.workplace import Workplace

log = logging.getLogger(__name__)

_NAMED = 50  # removed things that the result names; the log names all
_HALF_WRITTEN_S = 24 * 3600.0  # no writer takes so long
_ROOMS = ("packages", "features", "finetuned", "runs", "training", "reports")
"""Folders of the store in which killed writers may have left something; photos have a sweep of their own."""


@dataclass
class Bin:
    """What goes, counted.

    Attributes:
        is_dry: nothing is removed, only counted.
    """

    is_dry: bool
    bytes: Counter[str] = field(default_factory=Counter)
    things: Counter[str] = field(default_factory=Counter)
    named: list[dict[str, Any]] = field(default_factory=list)

    def note(self, kind: Kind, what: str, size: int, why: str) -> None:
        """Count one thing that goes, and log it."""
        self.bytes[kind.value] += size
        self.things[kind.value] += 1
        facts = {"kind": kind.value, "what": what, "bytes": size, "why": why}
        log.info("retention.would_remove" if self.is_dry else "retention.removed", extra=facts)
        if len(self.named) < _NAMED:
            self.named.append(facts)

    def discard(self, kind: Kind, path: Path, why: str) -> None:
        """Remove a file or folder."""
        self.note(kind, "/".join(path.parts[-2:]), inventory.bytes_of(path), why)
        if not self.is_dry:
            removal.discard(path)


def retain(workplace: Workplace, *, dry_run: bool, airflow_logs: Path | None = None) -> dict[str, Any]:
    """Remove what the policy (``STORE_KEEP_…``) does not keep.

    Args:
        workplace: store, ledger and settings.
        dry_run: remove nothing, and say what would go.
        airflow_logs: Airflow's folder of logs, where this process can see it.

    Returns:
        ``dry_run``; ``freed`` and ``removed``, bytes and things by kind, with ``freed_bytes``; ``erased``, archived
        products whose time is over; ``kept``, bytes of each folder of the store; ``over_budget``, those of them that
        hold more than they may; ``goes``, the first things removed and why; ``mlflow``, False where the tracking server
        did not answer, so that its copies stay until the next time; ``seconds``.

    Raises:
        AlreadyRunning: another process is at it.
    """
    policy, began = RetentionSettings(), time.time()
    waste = Bin(dry_run)
    with removal.only_one(workplace.store.root):
        found, kept = _packages(workplace, policy, waste)
        _caches(workplace.store, policy, waste, found, kept)
        _files(workplace.store, policy, waste, airflow_logs)
        going = {one.sha for one in found} - set(kept)  # in a dry run they are still there
        reached = _tracked(workplace, policy, waste, going | removal.dropped(workplace.store.packages))
        erased = _outdated(workplace, policy, dry_run=dry_run)
    held = inventory.held_by(workplace.store.root)
    exceeded = rules.over_budget(held, policy.budgets)
    for name, told in exceeded.items():
        log.warning("retention.over_budget", extra={"folder": name, **told})
    return {
        "dry_run": dry_run,
        "freed": dict(waste.bytes),
        "freed_bytes": sum(waste.bytes.values()),
        "removed": dict(waste.things),
        "erased": erased,
        "kept": held,
        "over_budget": exceeded,
        "goes": waste.named,
        "mlflow": reached,
        "seconds": round(time.time() - began, 2),
    }


def _packages(workplace: Workplace, policy: RetentionSettings, waste: Bin) -> tuple[list[Packaged], dict[str, Kept]]:
    """Let packages go; returns those there were, and which stay and why."""
    root = workplace.store.packages
    with taking_away(root):  # from here on nobody claims a package until what goes is out of sight
        if not waste.is_dry:
            removal.forget_records(root)
        found = inventory.packages(root)
        with workplace.sessions() as session:
            shas = [one.sha for one in found]
            named = references.named(session, shas, epochs=policy.epochs, days=policy.days)
        named = {**_trained_last(workplace.store.runs), **named}
        kept = rules.keep_packages(found, named, since=_since(policy.days))
        why = f"older than {policy.days} days, and no kept epoch (the newest {policy.epochs}) needs it"
        going = [(one, why) for one in found if one.sha not in kept]
        today = datetime.now(UTC).date().isoformat()
        aside = [] if waste.is_dry else removal.put_packages_aside(root, going, dropped_on=today)
    for one, reason in going:
        waste.note(Kind.MODEL if one.is_model else Kind.ENCODER, one.sha, one.bytes, reason)
    for path in aside:
        removal.delete(path)
    return found, kept


def _trained_last(runs: Path) -> dict[str, Kept]:
    """The package that each name was last trained to: whoever asks for a companion by its name means this one."""
    trained = ((path.stem, ResultFile(path).read()) for path in sorted((runs / "last").glob("[!.]*.json")))
    return {told["package"]: Kept(f"the last training of {name}", True) for name, told in trained if told}


def _caches(
    store: StoreSettings, policy: RetentionSettings, waste: Bin, found: Iterable[Packaged], kept: Mapping[str, Kept]
) -> None:
    since = _since(policy.days)
    encoders = rules.recent_features(found, kept) | {one.sha for one in WITHOUT_WEIGHTS.values()}
    cached = inventory.features(store.features)
    for file, why in rules.stale_features(cached, encoders=encoders, names=_read_by_newest(store), since=since):
        waste.discard(Kind.FEATURES, store.features / file.encoder / file.name, why)
    for entry in rules.stale_compiled(inventory.compiled(store.packages), found, kept, since=since):
        waste.discard(Kind.COMPILED, store.packages / COMPILED / entry.name, "its package is not kept")
    tuned = store.root / "finetuned"
    for folder in rules.stale_tuned(inventory.tuned(tuned, since=since), found, kept, since=since):
        waste.discard(Kind.TUNED, tuned / folder.name, "the encoder made of it is not kept")
    if not waste.is_dry:
        removal.remove_empty_folders(store.features)


def _read_by_newest(store: StoreSettings) -> set[str] | None:
    """The files of the cache that the newest snapshot is read from."""
    try:
        newest = manifests.newest(store.training)
    except EtalonError:
        return None
    if newest is None:
        return None
    return {file_name(half, segment) for segment in newest.segments for half in (TEXT, IMAGE)}


def _files(store: StoreSettings, policy: RetentionSettings, waste: Bin, airflow_logs: Path | None) -> None:
    for kind, path, why in _old_files(store, policy, airflow_logs):
        waste.discard(kind, path, why)
    if not waste.is_dry:
        for folder in (*_log_folders(airflow_logs), store.runs / "tensorboard", store.runs / "finetune"):
            removal.remove_empty_folders(folder)


def _old_files(
    store: StoreSettings, policy: RetentionSettings, airflow_logs: Path | None
) -> Iterator[tuple[Kind, Path, str]]:
    written = _since(policy.days)
    for path in inventory.older_than(store.runs / "finetune", "checkpoint.safetensors", written):
        yield Kind.CHECKPOINT, path, f"nobody has gone on from it for {policy.days} days"
    watched = _since(policy.logs_days)
    for path in inventory.older_than(store.runs / "tensorboard", "events.out.tfevents.*", watched):
        yield Kind.TENSORBOARD, path, f"older than {policy.logs_days} days"
    for folder in _log_folders(airflow_logs):
        for path in inventory.older_than(folder, "*.log*", watched):
            yield Kind.AIRFLOW_LOG, path, f"older than {policy.logs_days} days"
    for room in _ROOMS:
        for path in removal.leftovers(store.root / room, since=time.time() - _HALF_WRITTEN_S):
            yield Kind.LEFTOVER, path, "a killed process left it"


def _log_folders(airflow_logs: Path | None) -> list[Path]:
    """Those of tasks and of the processor of DAGs, and nothing else, wherever ``airflow_logs`` points."""
    return [] if airflow_logs is None else [*airflow_logs.glob("dag_id=*"), airflow_logs / "dag_processor"]


def _tracked(workplace: Workplace, policy: RetentionSettings, waste: Bin, dropped: set[str]) -> bool:
    """Drop the tracking server's copies of packages that went; False where it does not answer."""
    from training.tracking import Tracking  # 1.6 s

    try:
        tracking = Tracking.connect(workplace.train)
        for one in rules.stale_versions(tracking.registered(), dropped, since=_since(policy.days)):
            if not waste.is_dry and (workplace.store.packages / str(one.package)).is_dir():
                continue  # it was trained again at this moment
            size = tracking.weigh(one)
            if not waste.is_dry:
                tracking.drop(one)
            waste.note(Kind.TRACKED, f"{one.model} {one.version}", size, "its package is not kept, no alias names it")
    except Unavailable as error:
        log.warning("retention.tracking_left_out", extra={"code": error.code, "reason": str(error)})
        return False
    return True


def _outdated(workplace: Workplace, policy: RetentionSettings, *, dry_run: bool) -> int:
    if policy.rejected_days is None:
        return 0
    choose = count_outdated if dry_run else erase_outdated
    return choose(workplace.sessions, days=policy.rejected_days)


def _since(days: int) -> float:
    return time.time() - days * 86400.0
