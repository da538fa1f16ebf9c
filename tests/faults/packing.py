"""Trainings killed while they cache features and write packages: what is visible is whole, the next try ends alike."""

import json
import shutil
from pathlib import Path

from core.errors import EtalonError
from core.registry.packages import open_package
from tests.faults.campaign import Plan, Tally
from tests.faults.running import Nursery, small_environment
from tests.faults.workload import build

POINTS = {
    "features.segment": (1, 2, 3),
    "file.written": (1, 2, 3),
    "file.renamed": (1, 3),
    "package.written": (1,),
    "package.visible": (1,),
}
"""Where it is killed, and the how manieth time it comes there."""
_TOO_LONG_S = 120.0


def kill_trainings(plan: Plan) -> Tally:
    """Kill one at each place, look at what is there, and try again."""
    template = build(plan.folder / "packing" / "template")
    tally = Tally()
    with Nursery("tests.faults.packing_job") as nursery:
        expected = _run(plan, nursery, _copy(template, "sound"), "")
        for point, times in POINTS.items():
            for nth in times if plan.full else times[:1]:
                shop = _copy(template, f"{point}-{nth}")
                where = f"packing ({point}:{nth}:kill)"
                if _run(plan, nursery, shop, f"{point}:{nth}:kill") is not None:
                    tally.violations.append(f"{where}: it was never reached")
                tally += Tally(kills=1, kill_points={point})
                tally.violations += [f"{where}: {text}" for text in _broken(shop / "var" / "packages")]
                if (again := _run(plan, nursery, shop, "")) != expected:
                    tally.violations.append(f"{where}: the next try gave {again}, not {expected}")
    return tally


def _copy(template: Path, name: str) -> Path:
    return Path(shutil.copytree(template, template.with_name(name)))


def _run(plan: Plan, nursery: Nursery, shop: Path, failpoint: str) -> dict[str, str] | None:
    """What it made; None if it was killed."""
    log = shop / "packing.log"
    log.unlink(missing_ok=True)
    settings = {"STORE_ROOT": str(shop / "var"), "ETALON_FAILPOINT_LOG": str(plan.failpoint_log)}
    process = nursery.fork(small_environment(settings, {"ETALON_FAILPOINT": failpoint}), log)
    if not process.wait(_TOO_LONG_S):
        process.kill()
        raise AssertionError(f"a training hangs: {log.read_text()}")
    lines = log.read_text(encoding="utf-8").splitlines()
    results = [line for line in lines if line.startswith('{"package"')]
    if not results and lines:
        raise AssertionError(f"a training failed: {lines[-3:]}")
    return json.loads(results[-1]) if results else None


def _broken(packages: Path) -> list[str]:
    """Packages that have their name and do not open."""
    found = []
    for folder in packages.glob("[!.]*"):
        try:
            open_package(packages, folder.name)
        except EtalonError as error:
            found.append(str(error))
    return found
