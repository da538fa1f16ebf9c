"""Promoters and rollbacks race for the release and are killed where a promotion can be cut short.

Parts: ``races`` and ``mariadb`` (real jobs against one ledger: epochs are contiguous, each is won once, a serving
engine moves with the ledger only, the tracking server's aliases end at its newest epoch), ``mutant`` (the same with
the release read from a mutable alias: must be caught), ``serving`` (a real service through poisoned packages,
rollbacks and a shutdown under load: no request fails), ``packing`` (trainings killed while they write).
"""

import shutil

from core.db.migrate import migrate
from core.db.session import make_engine
from core.settings import DatabaseSettings
from tests import mariadb
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.mutants import alias_as_truth
from tests.faults.packing import kill_trainings
from tests.faults.release_race import Race
from tests.faults.releases_under_load import serve_through_releases
from tests.faults.running import Nursery

MUTANT = "alias_as_truth"
_ROUNDS = {"short": 2, "full": 40}
_MUTANT_ROUNDS = 12


def run(plan: Plan, say: Progress) -> Tally:
    """Race on SQLite, in a full run on MariaDB too, hunt the mutant, and serve through releases."""
    parts = (plan.only,) if plan.only else ("races", "mariadb", "mutant", "serving", "packing")
    tally = Tally()
    if "packing" in parts:
        tally += kill_trainings(plan)
    if "serving" in parts:
        tally += serve_through_releases(plan, say)
    with Nursery("training.jobs.__main__", "training.jobs.release", "training.tracking") as nursery:
        if "races" in parts:
            race = Race(plan, "sqlite", nursery, *_places(plan, "sqlite"))
            tally += _race(plan, say, race, _ROUNDS[plan.scale])
        if "mariadb" in parts and plan.full:
            tally += _race_on_mariadb(plan, say, nursery)
        if "mutant" in parts:
            tally.mutants[MUTANT] = _hunt(plan, nursery)
            say(f"mutant {MUTANT}: {tally.mutants[MUTANT] or 'SURVIVED'}")
    return tally


def _race(plan: Plan, say: Progress, race: Race, rounds: int) -> Tally:
    tally = Tally()
    with race.following():
        for number in range(rounds):
            tally += race.round(number)
            if tally.failed:
                break
            if number % 10 == 9:
                say(f"round {number + 1} of {rounds}, {tally.kills} kills")
    return tally


def _race_on_mariadb(plan: Plan, say: Progress, nursery: Nursery) -> Tally:
    if mariadb.program() is None:
        return Tally(notes=["promotions: not raced on MariaDB, which is not installed"])
    server = mariadb.Server()
    try:
        database = server.fresh().settings()
        _, tracking_uri = _places(plan, "mariadb")
        return _race(plan, say, Race(plan, "mariadb", nursery, database, tracking_uri), _ROUNDS[plan.scale] // 2)
    finally:
        server.stop()


def _hunt(plan: Plan, nursery: Nursery) -> str | None:
    """What catches the flawed version, None if it survives."""
    with alias_as_truth.applied():
        race = Race(plan, "mutant", nursery, *_places(plan, "mutant"), flaw=alias_as_truth.__name__, often_killed=True)
        with race.following():
            for number in range(_MUTANT_ROUNDS):
                found = race.round(number).violations
                if found:
                    return found[0]
    return None


def _places(plan: Plan, name: str) -> tuple[DatabaseSettings, str]:
    """A migrated SQLite database, and where a tracking store will be."""
    folder = plan.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    settings = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
    engine = make_engine(settings)
    migrate(engine)
    engine.dispose()
    tracking = folder / "mlflow.db"
    made = next(plan.folder.glob("*/mlflow.db"), None)
    if made is not None:  # its tables take seconds
        shutil.copyfile(made, tracking)
    return settings, f"sqlite:///{tracking}"
