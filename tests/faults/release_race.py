"""Real promotion and rollback jobs racing for one ledger, and a serving engine and a tracking server that follow it."""

import contextlib
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy import select

from api.serving.engine import ServingEngine
from core.db.models import Promotion
from core.db.session import make_engine, make_readers, make_sessions
from core.settings import (
    DatabaseSettings,
    GateSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from tests.faults.campaign import Plan, Tally
from tests.faults.running import Nursery, small_environment
from tests.integration.api.toys import ToyModel
from training.jobs import release
from training.jobs.workplace import MODEL, Workplace

FAILPOINTS = {
    "promotion.inserted:1:kill": 4,
    "promotion.committed:1:kill": 4,
    "promotion.inserted:1:delay": 1,
    "": 3,
}
"""Where a job is hurt, by how often; most lose the race before they come there."""
UNCOMMITTED = {"promotion.inserted:1:kill": 1, "": 1}
"""The moment at which a ledger and a mutable alias differ most."""
_TOO_LONG_S = 120.0
_CATCH_UP_S = 10.0
_POLL_S = 0.01


@dataclass(slots=True)
class Contender:
    """One job that wants to move the release.

    Attributes:
        name: its run key, or the actor of a rollback.
        package: what a promotion wants to serve, None for a rollback.
        expected: the epoch it decided upon.
        failpoint: where it is hurt, "" for nowhere.
        epoch: the epoch that it reported, None before, or if it was refused.
        mirrored: whether it said that the aliases follow.
        killed: whether it was killed.
    """

    name: str
    package: str | None
    expected: int
    failpoint: str
    epoch: int | None = None
    mirrored: bool = False
    killed: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of ``python -m training.jobs``."""
        if self.package is not None:
            return "promote", "--package", self.package, "--run-key", self.name
        return "rollback", "--reason", "race", "--actor", self.name, "--expected-epoch", str(self.expected)

    def owns(self, row: Promotion) -> bool:
        """Whether the ledger's row is this contender's."""
        return row.run_id == f"run-{self.name}" and row.kind != "rollback" if self.package else row.actor == self.name


class Race:
    """One ledger with its followers; use ``following`` around the rounds.

    Args:
        plan: the campaign's.
        name: of this race; its folder, and the beginning of every name in it.
        nursery: forks ``training.jobs``.
        database: holds the ledger; its tables are there.
        tracking_uri: a tracking store of this race's own.
        flaw: module of a flawed version that every job becomes, None for none.
        often_killed: whether many jobs are killed before they commit.
    """

    def __init__(
        self,
        plan: Plan,
        name: str,
        nursery: Nursery,
        database: DatabaseSettings,
        tracking_uri: str,
        flaw: str | None = None,
        often_killed: bool = False,
    ) -> None:
        self._plan, self._name, self._nursery, self._flaw = plan, name, nursery, flaw
        self._folder = plan.folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        self._workplace = Workplace(
            store=StoreSettings(root=self._folder / "var"),
            model=ModelSettings(),
            train=TrainSettings(tracking_uri=tracking_uri),
            gate=GateSettings(),
            database=database,
            serving=ServingSettings(),
        )
        self._registry = MlflowClient(tracking_uri)
        with contextlib.suppress(MlflowException):  # a copy of another race's store has it
            self._registry.create_registered_model(MODEL)
        self._failpoints = UNCOMMITTED if often_killed else FAILPOINTS
        self._engine = make_engine(database)
        self._serving = ServingEngine(make_readers(self._engine), ToyModel, _POLL_S)
        self._seen: list[tuple[int, dict[str, str]]] = []
        self._contenders: list[Contender] = []
        self._environment = {
            "DB_URL": database.url.get_secret_value(),
            "STORE_ROOT": str(self._workplace.store.root),
            "TRAIN_TRACKING_URI": tracking_uri,
            "ETALON_FAILPOINT_LOG": str(plan.failpoint_log),
        }

    @contextmanager
    def following(self) -> Iterator[None]:
        """Let a serving engine poll the ledger and somebody write down what it serves."""
        stopping = threading.Event()
        watch = threading.Thread(target=self._watch, args=(stopping,), daemon=True)
        watch.start()
        try:
            yield
        finally:
            stopping.set()
            watch.join()
            self._workplace.close()
            self._engine.dispose()

    def round(self, number: int) -> Tally:
        """Several jobs at once, some killed; the killed ones again; then everything is compared."""
        rng = self._plan.random("promotions", self._name, number)
        ledger = self._ledger()
        contenders = self._draw(number, len(ledger), rng)
        self._contenders += contenders
        self._run(contenders, hurt=True)
        killed = [one for one in contenders if one.killed]
        tally = Tally(kills=len(killed), kill_points={one.failpoint.split(":")[0] for one in killed})
        where = f"{self._name}, round {number} (replay with seed {self._plan.seed})"
        if not killed and all(one.mirrored for one in contenders if one.epoch is not None):
            tally += self._judge_aliases(f"{where}, nobody killed")
        self._run(killed, hurt=False)
        release.mirror(self._workplace)  # as the next job does
        return tally + self._judge(where)

    def _draw(self, number: int, epoch: int, rng: random.Random) -> list[Contender]:
        drawn = iter(rng.choices(list(self._failpoints), weights=list(self._failpoints.values()), k=5))
        begin = f"{self._name}-{number}"
        promotions = [
            Contender(f"{begin}-{which}", f"{rng.getrandbits(256):064x}", epoch, next(drawn)) for which in range(3)
        ]
        rollbacks = [Contender(f"{begin}-back-{which}", None, epoch, next(drawn)) for which in range(2)]
        for one in promotions:
            self._judge_in_favour(one)
        return promotions + rollbacks if epoch > 1 else promotions

    def _judge_in_favour(self, one: Contender) -> None:
        """What the gate leaves behind for a promotion."""
        self._registry.create_model_version(MODEL, source="file:///nowhere", tags={"package": one.package})
        self._workplace.runs.result(one.name, "judge").write(
            {
                "package": one.package,
                "decision": "promote" if one.expected else "first",
                "epoch": one.expected,
                "run_id": f"run-{one.name}",
                "manifest": 1,
                "taxonomy_version": "t",
                "gate": {"outcome": "promote"},
            }
        )

    def _run(self, contenders: list[Contender], *, hurt: bool) -> None:
        """All at once; each tells in its last line what it did."""
        logs = {one.name: self._folder / f"{one.name}{'' if hurt else '.again'}.log" for one in contenders}
        running = []
        for one in contenders:
            failpoint = {"ETALON_FAILPOINT": one.failpoint if hurt else ""}
            environment = small_environment(self._environment, failpoint)
            running.append(self._nursery.fork(environment, logs[one.name], one.arguments, self._flaw))
        for process in running:
            if not process.wait(_TOO_LONG_S):
                process.kill()
                raise AssertionError(f"a promotion hangs: {[path.read_text() for path in logs.values()]}")
        for one in contenders:
            _learn(one, logs[one.name], hurt=hurt)

    def _watch(self, stopping: threading.Event) -> None:
        while not stopping.wait(_POLL_S):
            self._serving.poll()
            if self._serving.epoch is not None:
                served = self._serving.release()
                seen = (served.epoch, {name: model.sha for name, model in served.models.items()})
                if not self._seen or self._seen[-1] != seen:
                    self._seen.append(seen)

    def _ledger(self) -> list[Promotion]:
        with make_sessions(self._engine)() as session:
            return list(session.scalars(select(Promotion).order_by(Promotion.epoch)))

    def _judge(self, where: str) -> Tally:
        tally = self._judge_follower(where)
        tally += self._judge_aliases(where)
        ledger = self._ledger()
        tally.violations += [f"{where}: {text}" for text in _judge_ledger(ledger, self._contenders)]
        winners = [one.epoch for one in self._contenders if one.epoch is not None]
        twice = sorted({epoch for epoch in winners if winners.count(epoch) > 1})
        tally.violations += [f"{where}: two were told that they moved the release to epoch {epoch}" for epoch in twice]
        return tally

    def _judge_follower(self, where: str) -> Tally:
        """What was served is what the ledger said, in its order, and by now its newest epoch (I6)."""
        deadline = time.monotonic() + _CATCH_UP_S
        ledger = {row.epoch: row.models for row in self._ledger()}
        newest = max(ledger, default=None)
        while self._serving.epoch != newest and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        tally, seen = Tally(), list(self._seen)
        for epoch, models in seen:
            if ledger.get(epoch) != models:
                tally.violations.append(f"{where}: I6: epoch {epoch} was served as {models}, not {ledger.get(epoch)}")
        epochs = [epoch for epoch, _ in seen]
        if epochs != sorted(epochs):
            tally.violations.append(f"{where}: I6: served epochs went back: {epochs}")
        if self._serving.epoch != newest:
            tally.violations.append(f"{where}: I6: epoch {self._serving.epoch} is served, not {newest}")
        return tally

    def _judge_aliases(self, where: str) -> Tally:
        """The tracking server's aliases name the packages of the newest epoch."""
        ledger = self._ledger()
        newest = ledger[-1] if ledger else Promotion(epoch=0, models={}, previous={})
        expected = {"champion": newest.models.get(MODEL), "previous": newest.previous.get(MODEL)}
        aliases = self._registry.get_registered_model(MODEL).aliases
        found = {
            alias: self._registry.get_model_version(MODEL, aliases[alias]).tags["package"] if alias in aliases else None
            for alias in expected
        }
        if found == expected:
            return Tally()
        return Tally(violations=[f"{where}: the aliases are {found}, epoch {newest.epoch} is {expected}"])


def _learn(one: Contender, log: Path, *, hurt: bool) -> None:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    results = [json.loads(line) for line in lines if line.startswith("{") and '"mirrored"' in line]
    if results and results[-1].get("epoch") is not None:
        one.epoch, one.mirrored = results[-1]["epoch"], results[-1]["mirrored"]
    elif hurt and one.failpoint.endswith(":kill") and not any("refused" in line for line in lines):
        one.killed = True
    elif not any("refused (release." in line for line in lines):
        raise AssertionError(f"{one.name} failed: {lines[-3:]}")


def _judge_ledger(ledger: list[Promotion], contenders: list[Contender]) -> Iterator[str]:
    epochs = [row.epoch for row in ledger]
    if epochs != list(range(1, len(ledger) + 1)):
        yield f"the epochs are {epochs}"
    by_epoch = {row.epoch: row for row in ledger}
    for one in contenders:
        row = by_epoch.get(one.epoch) if one.epoch is not None else None
        if one.epoch is not None and (row is None or not one.owns(row)):
            yield f"lost promotion: {one.name} was told epoch {one.epoch}, which the ledger gives to another"
        if len(mine := [row.epoch for row in ledger if one.owns(row)]) > 1:
            yield f"doubled promotion: {one.name} is there as epochs {mine}"
    for row in ledger:
        before = by_epoch.get(row.epoch - 1)
        if row.previous != (before.models if before else {}):
            yield f"epoch {row.epoch} came after {row.previous}, which was never epoch {row.epoch - 1}"
        if row.kind == "rollback" and before is not None and row.models != before.previous:
            yield f"epoch {row.epoch} rolled back to {row.models}, not to {before.previous}"
        if not any(one.owns(row) for one in contenders):
            yield f"nobody asked for epoch {row.epoch}"
