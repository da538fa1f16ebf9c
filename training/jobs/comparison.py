"""The end of ``train --model all``: every model on the same rows, in one run of the tracking server."""

import logging
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from core.domain.product import Product
from inference.model import CannotAnswer, ServedModel
from training.comparison import Compared, comparison_record
from training.jobs.exam import Exam
from training.jobs.workplace import Workplace
from training.tracking import Tracking

log = logging.getLogger(__name__)


def compare_models(workplace: Workplace, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Log what ``train`` returned of several models side by side; a model that gave no answers is left out.

    Returns:
        ``run_id``, ``best`` and ``models``: one line each, best first.

    Raises:
        TrackingUnavailable: the tracking server does not answer; comparing again is safe.
        ValueError: no model gave answers, or they were judged on different snapshots.
    """
    judged = [result for result in results if result["scores"] is not None]
    manifests = {result["manifest"] for result in judged}
    if len(manifests) != 1:
        raise ValueError(f"expected models that were judged on one snapshot. Received: {sorted(manifests)}")
    exam = Exam.of(workplace.snapshot(manifests.pop()))
    products = exam.products(workplace.store.images)
    lines = [Compared.of(result, _latency_ms(workplace, result["package"], products)) for result in judged]
    number = exam.snapshot.manifest.number
    told = comparison_record(lines, workplace.taxonomy, manifest=number, rows=len(exam.places))
    run_id = Tracking.connect(workplace.train).compare(told)
    log.info("models.compared", extra={"run_id": run_id, "models": len(lines)})
    best_first = sorted(lines, key=lambda one: -one.weighted_f1)
    return {"run_id": run_id, "best": best_first[0].model, "models": [asdict(one) for one in best_first]}


def _latency_ms(workplace: Workplace, package: str, products: Sequence[Product]) -> float | None:
    """Median over products that the model can read, after one to warm up; None where there are fewer than two."""
    model = ServedModel.load(workplace.store.packages, package, encoders=workplace.pool)
    took = [seconds for product in products if (seconds := _seconds(model, product)) is not None]
    return round(1000 * statistics.median(took[1:]), 2) if len(took) > 1 else None


def _seconds(model: ServedModel, product: Product) -> float | None:
    started = time.perf_counter()
    try:
        model.predict([product])
    except CannotAnswer:  # it reads only the half that this product lacks
        return None
    return time.perf_counter() - started
