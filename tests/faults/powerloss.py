"""Power loss: the file operations of real work are recorded, and every state that a power cut may leave is recovered.

A kill cannot show that a flush is missing, because the system keeps what was written. Here the disk keeps only what
was flushed (``disk``), at every moment of the work. Each state is made real in a folder of its own with the database
of that moment; the product recovers there as it would after a restart, and its end is judged.

Each scene is enumerated three ways: the power is cut during the work; it is cut during a second process' work after
the first one was killed (what that one wrote is visible, and not durable); it is cut during recovery from a power cut.

A state is named ``scene/number``; with the same seed it comes again: ``--only powerloss:append/17``.
"""

import hashlib
import os
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.disk import Disk, State
from tests.faults.mutants import no_folder_fsync, no_fsync
from tests.faults.powerloss_copies import Backup, Features, Restore
from tests.faults.powerloss_scenes import Append, Corrections, Files, Import, Packages, Predict, Scene
from tests.faults.recorder import Commit, Flush, Open, Operation, Promise, Recorder

Work = Callable[[Path, Callable[[str], None]], None]
Flaw = Callable[[], AbstractContextManager[None]]

MUTANTS: dict[str, Flaw] = {"no_fsync": no_fsync.applied, "no_folder_fsync": no_folder_fsync.applied}
"""Flawed versions of the product that this campaign must catch."""

_PER_MOMENT, _PER_LOG = 48, 3000
"""Legal states looked at for one moment of the work, and for all of it; all of them where there are no more."""
SCENES: Mapping[Scene, int] = {
    Append(): 25,
    Corrections(): 20,
    Import(): 15,
    Predict(): 10,
    Packages(): 10,
    Files(): 5,
    Backup(): 5,
    Restore(): 5,
    Features(): 5,
}
"""Every piece of work whose power is cut, and its share of all states, in hundredths."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is done: states in all, processes killed and recoveries cut short for a scene, states for a mutant."""

    states: int
    kills: int
    recoveries: int
    mutant_states: int


_SIZES = {"short": Size(180, 4, 2, 60), "full": Size(4800, 100, 40, 200)}


@dataclass(frozen=True, slots=True)
class Moment:
    """A state of the disk, the database then, what had been acknowledged, and the last operation before it.

    ``bare``: nothing survived but what was flushed.
    """

    name: str
    state: State
    database: bytes | None
    promised: frozenset[str]
    last: str = ""
    bare: bool = False

    @property
    def key(self) -> bytes:
        """Equal for moments that cannot be told apart."""
        besides = (self.database or b"") + str(sorted(self.promised)).encode()
        return self.state.fingerprint + hashlib.sha256(besides).digest()

    def make_real(self, folder: Path) -> Path:
        """Write state and database into ``folder``, which is new."""
        folder.mkdir()
        self.state.write(folder / "var")
        if self.database is not None:
            (folder / "etalon.db").write_bytes(self.database)
        return folder


@dataclass(frozen=True, slots=True)
class Recording:
    """What a process did to the disk that began as ``start``.

    Attributes:
        start: all of it durable.
        database: the database's file at the beginning.
        before: what an earlier process did that was killed: visible, and not durable where it was not flushed.
        log: what this one did.
        folder: where it did it; its end undisturbed.
    """

    start: State
    database: bytes | None
    before: tuple[Operation, ...]
    log: tuple[Operation, ...]
    folder: Path

    def until(self, at: int) -> Moment:
        """What a process that is started after the first ``at`` operations finds, the power never being off."""
        disk, database, promised = self._begin()
        for operation in self.log[:at]:
            database, promised = _step(disk, operation, database, promised)
        return Moment(f"killed-{at}", disk.visible(), database, promised)

    def moments(self, name: str, plan: Plan) -> Iterator[Moment]:
        """Every distinct state that a power cut during ``log`` may leave."""
        disk, database, promised = self._begin()
        known: set[tuple[bytes, int, frozenset[str]]] = set()
        commits, last = 0, "nothing"
        most = max(4, min(_PER_MOMENT, _PER_LOG // (len(self.log) + 1)))
        for at, operation in enumerate((None, *self.log)):
            if operation is not None:
                database, promised = _step(disk, operation, database, promised)
                last = f"operation {at}: {operation}"
            commits += isinstance(operation, Commit)
            for nth, state in enumerate(disk.states(plan.random("states", name, at), most)):
                if (key := (state.fingerprint, commits, promised)) not in known:
                    known.add(key)
                    yield Moment(f"{name}/{len(known)}", state, database, promised, last, bare=nth == 0)

    def flushes(self) -> list[tuple[int, str]]:
        """Where in the log something is flushed that had changed, and the path it was opened by."""
        disk, _, _ = self._begin()
        paths: dict[int, str] = {}
        found = []
        for at, operation in enumerate(self.log):
            if isinstance(operation, Open):
                paths[operation.handle] = operation.path
            if isinstance(operation, Flush) and disk.has_unflushed(operation.handle):
                found.append((at, paths[operation.handle]))
            disk.apply(operation)
        return found

    def _begin(self) -> tuple[Disk, bytes | None, frozenset[str]]:
        disk, database, promised = Disk(self.start), self.database, frozenset[str]()
        for operation in self.before:
            _, promised = _step(disk, operation, None, promised)
        return disk, database, promised


def _step(
    disk: Disk, operation: Operation, database: bytes | None, promised: frozenset[str]
) -> tuple[bytes | None, frozenset[str]]:
    disk.apply(operation)
    if isinstance(operation, Commit):
        return operation.content, promised
    return database, promised | {operation.what} if isinstance(operation, Promise) else promised


def record(
    folder: Path,
    work: Work,
    *,
    start: State | None = None,
    before: Sequence[Operation] = (),
    flaw: Flaw = nullcontext,
) -> Recording:
    """Do ``work`` in ``folder`` and record it.

    Args:
        folder: what is there counts as durable, unless ``start`` and ``before`` say how it came about.
        work: told where, and whom to tell what it has promised.
        start: the disk before ``before``.
        before: operations of earlier processes.
        flaw: a flawed version of the product.
    """
    path = folder / "etalon.db"
    database = path.read_bytes() if path.exists() else None
    start = start or State.of(folder / "var")
    recorder = Recorder(folder / "var", path if database is not None else None)
    with recorder.running(), flaw():
        work(folder, recorder.promise)
    return Recording(start, database, tuple(before), tuple(recorder.log), folder)


class Campaign:
    """One run over the scenes, in a scratch folder."""

    def __init__(self, plan: Plan, say: Progress, scratch: Path) -> None:
        self._plan, self._say, self._scratch = plan, say, scratch
        self._size = _SIZES[plan.scale]
        self._folders = 0
        self._judged: set[bytes] = set()
        self._scene, _, number = (plan.only or "").partition("/")
        self._alone = plan.only if number else None

    def run(self) -> Tally:
        """All scenes as they are, then the flawed versions."""
        tally = Tally()
        for scene, share in SCENES.items():
            if self._scene.partition(".")[0] in ("", scene.name):
                tally += self._cut_everywhere(scene, share)
        for name, flaw in MUTANTS.items() if not self._scene else ():
            tally.mutants[name] = self._catch(name, flaw)
            self._say(f"mutant {name}: {tally.mutants[name] or 'SURVIVED'}")
        return tally

    def _folder(self) -> Path:
        self._folders += 1
        return self._scratch / f"{self._folders:06d}"

    def _prepare(self, scene: Scene) -> Path:
        folder = self._folder()
        folder.mkdir()
        scene.prepare(folder)
        return folder

    def _cut_everywhere(self, scene: Scene, share: int) -> Tally:
        """Cut the power during the work, during the work after a kill, and during recovery from a power cut."""
        budget = self._size.states * share // 100
        undisturbed = record(self._prepare(scene), scene.act)
        reference = undisturbed.folder
        moments = list(undisturbed.moments(scene.name, self._plan))
        tally = self._judge(scene, scene.name, moments, budget // 2, reference)
        each = max(3, budget // 2 // (self._size.kills + self._size.recoveries))
        for name, work in self._second_works(scene, undisturbed, moments):
            tally += self._judge(scene, name, list(work.moments(name, self._plan)), each, reference)
            shutil.rmtree(work.folder)
        tally.notes = [f"{tally.states} {scene.name}"]
        self._say(f"{scene.name}: {tally.states} states, {len(tally.violations)} violations")
        return tally

    def _second_works(self, scene: Scene, first: Recording, moments: list[Moment]) -> Iterator[tuple[str, Recording]]:
        """Recordings of processes that found what a killed one left, and of recoveries from a power cut."""
        draw = self._plan.random("again", scene.name)
        for at in _some(draw, len(first.log), self._size.kills):
            folder = first.until(at).make_real(self._folder())
            work = record(folder, scene.resume, start=first.start, before=(*first.before, *first.log[:at]))
            yield f"{scene.name}.killed-{at}", work
        for at in _some(draw, len(moments), self._size.recoveries):
            before = [Promise(what) for what in sorted(moments[at].promised)]
            folder = moments[at].make_real(self._folder())
            work = record(folder, scene.resume, start=moments[at].state, before=before)
            yield moments[at].name.replace("/", ".cut-"), work

    def _judge(self, scene: Scene, name: str, moments: list[Moment], most: int, reference: Path) -> Tally:
        tally = Tally()
        for moment in self._chosen(name, moments, most):
            if moment.key not in self._judged:
                self._judged.add(moment.key)
                tally += self._recover(scene, moment, reference)
        for violation in tally.violations[:3]:
            self._say(violation)
        return tally

    def _chosen(self, name: str, moments: list[Moment], most: int) -> list[Moment]:
        """At most ``most`` of them, in order; the barest at the very end always, because it forgives least."""
        if self._alone:
            return [moment for moment in moments if moment.name == self._alone]
        last = max((at for at, moment in enumerate(moments) if moment.bare), default=0)
        chosen = {last, *_some(self._plan.random("chosen", name), len(moments), most - 1)}
        return [moments[at] for at in sorted(chosen)]

    def _recover(self, scene: Scene, moment: Moment, reference: Path) -> Tally:
        """Make a state real, let the product recover in it, and say what is wrong."""
        folder = moment.make_real(self._scratch / "recovered")
        try:
            tally = scene.judge(folder, set(moment.promised), reference)
        except Exception as error:
            tally = Tally(violations=[_told(error)])
        finally:
            shutil.rmtree(folder)
        tally.states = 1
        tally.violations = [f"power loss {moment.name} ({moment.last}): {one}" for one in tally.violations]
        return tally

    def _catch(self, name: str, flaw: Flaw) -> str | None:
        """The first violation that the flawed product shows, None if it gets away."""
        caught = (
            self.first_violation(scene, f"{scene.name}.{name}", record(self._prepare(scene), scene.act, flaw=flaw))
            for scene in SCENES
        )
        return next((violation for violation in caught if violation), None)

    def first_violation(self, scene: Scene, name: str, recording: Recording) -> str | None:
        """What goes wrong first, beginning with the barest states and the latest of them; None if nothing does."""
        moments = list(recording.moments(name, self._plan))
        bare = [moment for moment in reversed(moments) if moment.bare]
        others = [moments[at] for at in _some(self._plan.random("caught", name), len(moments), len(moments))]
        for moment in [*bare, *others][: self._size.mutant_states]:
            if violations := self._recover(scene, moment, recording.folder).violations:
                return violations[0]
        return None

    def unnoticed(self, scene: Scene, ignoring: Callable[[str], bool]) -> list[str]:
        """Paths whose flush can be left out, one at a time, without anything going wrong.

        Flushing again what has not changed is for what a killed process left, and is not tried.
        """
        whole = record(self._prepare(scene), scene.act)
        missed = []
        for at, path in whole.flushes():
            lacking = replace(whole, log=(*whole.log[:at], *whole.log[at + 1 :]))
            if not ignoring(path) and self.first_violation(scene, f"{scene.name}.flush-{at}", lacking) is None:
                missed.append(path)
        return missed


def _some(draw: random.Random, count: int, most: int) -> list[int]:
    """At most ``most`` of the first ``count`` numbers, in order."""
    return sorted(draw.sample(range(count), min(most, count)))


def _told(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


def run(plan: Plan, say: Progress) -> Tally:
    """Cut the power everywhere.

    ``plan.only`` is a scene (``append``) or one state of it (``append/17``, ``append.killed-12/5``).
    """
    memory = Path("/dev/shm")  # flushing costs nothing there; what it would have kept is known from the log
    parent = memory if os.access(memory, os.W_OK) else plan.folder
    scratch = Path(tempfile.mkdtemp(prefix="etalon-powerloss-", dir=parent))
    try:
        with _noting_failpoints(plan.failpoint_log):
            return Campaign(plan, say, scratch).run()
    finally:
        shutil.rmtree(scratch)


@contextmanager
def _noting_failpoints(log: Path) -> Iterator[None]:
    """Everything happens in this process, so it is this one that notes what it comes by."""
    before = os.environ.get("ETALON_FAILPOINT_LOG")
    os.environ["ETALON_FAILPOINT_LOG"] = str(log)
    try:
        yield
    finally:
        del os.environ["ETALON_FAILPOINT_LOG"]
        if before is not None:
            os.environ["ETALON_FAILPOINT_LOG"] = before
