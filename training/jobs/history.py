"""What earlier judgements of a model found: the learning curve over snapshots."""

from pathlib import Path
from typing import Any

from training.jobs.runs import ResultFile
from training.plots import Learnt

_NEEDED = ("manifest", "learnt_rows", "weighted_f1", "interval")


def learning_curve(runs: Path, model: str, *, leave_out: str = "") -> list[Learnt]:
    """One point per package of ``model`` (but ``leave_out``) judged under ``runs``, each on the rows of its day.

    A result from before they kept interval and rows is left out.
    """
    points: dict[str, Learnt] = {}
    for path in sorted(runs.glob("*/judge.json")):
        result = ResultFile(path).read()
        if not result or result.get("model") != model or result["package"] == leave_out:
            continue
        if all(result.get(name) is not None for name in _NEEDED):
            points[result["package"]] = learnt(result)
    return list(points.values())


def learnt(result: dict[str, Any]) -> Learnt:
    """The point that one judgement's result stands for."""
    return Learnt(result["learnt_rows"], result["manifest"], result["weighted_f1"], *result["interval"])


def scores_of(runs: Path, package: str, manifest: int) -> dict[str, Any] | None:
    """What a run under ``runs`` keeps of judging a package on a snapshot; None where no run's file tells any more."""
    for path in sorted(runs.glob("*/judge.json")):
        result = ResultFile(path).read()
        if not result or (result.get("package"), result.get("manifest")) != (package, manifest):
            continue
        if result.get("scores") and result.get("interval"):
            return result
    return None
