"""Several judged models side by side: one table, one figure, one page."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from core.domain.taxonomy import Taxonomy
from training import plots
from training.plots import Scored
from training.reference import references_for
from training.report import Page, Table, render
from training.report.page import Drawing
from training.tracking import ComparisonRecord


@dataclass(frozen=True, slots=True)
class Compared:
    """One model's line; scores are shares of one on the hold-out and fresh rows, None where it has no such score.

    Attributes:
        model: its name.
        weighted_f1: primary score, with ``low`` and ``high`` of its 95 % interval.
        macro_f1: F1 of all classes, averaged equally.
        from_text: weighted F1 when it is given the text alone; None for a model that does not read text.
        from_image: likewise for the photo.
        calibration_error: expected calibration error.
        latency_ms: median milliseconds for one answer from raw title and photo, in this process.
        seconds: of the training, from features to the package.
        package: sha of the package.
        run_id: of its own run.
    """

    model: str
    weighted_f1: float
    low: float
    high: float
    macro_f1: float
    from_text: float | None
    from_image: float | None
    calibration_error: float
    latency_ms: float | None
    seconds: float
    package: str
    run_id: str | None

    @classmethod
    def of(cls, result: Mapping[str, Any], latency_ms: float | None) -> Self:
        """From what ``train`` returned of a model that gave answers."""
        scores, (low, high) = result["scores"], result["interval"]
        return cls(
            model=result["model"],
            weighted_f1=scores["weighted_f1"],
            low=low,
            high=high,
            macro_f1=scores["macro_f1"],
            from_text=scores.get("weighted_f1.from-text-only"),
            from_image=scores.get("weighted_f1.from-image-only"),
            calibration_error=scores["calibration_error"],
            latency_ms=latency_ms,
            seconds=result["seconds"],
            package=result["package"],
            run_id=result["run_id"],
        )


def comparison_record(models: Sequence[Compared], taxonomy: Taxonomy, *, manifest: int, rows: int) -> ComparisonRecord:
    """What the tracking server keeps of models that were judged on the same ``rows`` of snapshot ``manifest``.

    Raises:
        ValueError: there are no models.
    """
    if not models:
        raise ValueError("expected at least one model. Received: none")
    best_first = sorted(models, key=lambda one: -one.weighted_f1)
    references = references_for(taxonomy)
    figure = plots.models([Scored(one.model, one.weighted_f1, one.low, one.high) for one in models], references)
    conclusions = list(_conclusions(best_first, rows))
    page = Page(
        title="Models compared",
        subtitle=f"On {rows:,} hold-out and fresh products of snapshot {manifest}.",
        badge="",
        conclusions=conclusions,
        tables=[_table(best_first)],
        drawings=[
            Drawing("Weighted F1", "Bars with 95 % intervals; overlapping intervals are no clear order.", figure)
        ],
    )
    return ComparisonRecord(
        key=_key(models, manifest),
        tags={"judged_on_manifest": str(manifest), "models": ",".join(sorted(one.model for one in models))},
        metrics={f"weighted_f1.{one.model}": one.weighted_f1 for one in models} | {"rows.judged": rows},
        reports={
            "comparison.json": json.dumps([asdict(one) for one in best_first], ensure_ascii=False, indent=1),
            "comparison.html": render(page),
        },
        plots={"models.png": figure},
        description="\n".join(f"- {line}" for line in conclusions),
    )


def _key(models: Sequence[Compared], manifest: int) -> str:
    facts = [str(manifest), *sorted(f"{one.model}={one.package}" for one in models)]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _conclusions(best_first: Sequence[Compared], rows: int) -> list[str]:
    best, *others = best_first
    said = [
        f"{best.model} is best: weighted F1 {best.weighted_f1:.3f} (95 % interval {best.low:.3f} to {best.high:.3f}) "
        f"on {rows:,} products that no model has learnt from."
    ]
    if close := [one.model for one in others if one.high > best.low]:
        said.append(f"Too close to call by their intervals: {', '.join(close)}.")
    if clear := [one.model for one in others if one.high <= best.low]:
        said.append(f"Clearly behind: {', '.join(clear)}.")
    return said


def _table(best_first: Sequence[Compared]) -> Table:
    columns = ("model", "weighted F1", "95 % interval", "macro F1", "from text alone", "from photo alone")
    columns += ("calibration error", "one answer, ms", "training, s", "package", "run")
    rows = [
        [
            one.model,
            f"{one.weighted_f1:.3f}",
            f"{one.low:.3f} to {one.high:.3f}",
            f"{one.macro_f1:.3f}",
            _or_dash(one.from_text, "{:.3f}"),
            _or_dash(one.from_image, "{:.3f}"),
            f"{one.calibration_error:.3f}",
            _or_dash(one.latency_ms, "{:.0f}"),
            f"{one.seconds:.0f}",
            one.package[:12],
            one.run_id or "–",
        ]
        for one in best_first
    ]
    about = "All models answered the same products. A dash: the model does not read that half."
    return Table("All models", about, columns, rows)


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
