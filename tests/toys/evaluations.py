"""What a judgement measured, made up: small, plausible, and the same every time."""

from collections.abc import Sequence
from typing import Any

from core.domain.evaluation import Change, ChangedProduct, Evaluation, Figures, Part

CODES = (10, 40, 2060)


def figures(package: str, right: int = 8, *, codes: Sequence[int] = CODES, latency_s: float | None = 0.012) -> Figures:
    """Ten products of each class, of which ``right`` are answered rightly and the others as the next class."""
    size, share = len(codes), right / 10
    table = [[0] * size for _ in codes]
    for place in range(size):
        table[place][place] = right
        table[place][(place + 1) % size] += 10 - right
    scores = {"weighted_f1": share, "weighted_f1.low": share - 0.05, "weighted_f1.high": min(1.0, share + 0.05)}
    scores |= {"macro_f1": share, "accuracy": share, "calibration_error": round(0.12 - share / 10, 3)}
    ends = [round(share - 0.1, 3)] * size, [round(share + 0.1, 3)] * size
    return Figures(package, scores, [share] * size, *ends, table, latency_s)


def evaluation(
    challenger: str,
    champion: str | None,
    *,
    codes: Sequence[int] = CODES,
    examples: Sequence[ChangedProduct] = (),
) -> Evaluation:
    """A challenger that mends a tenth of the products of the champion, if there is one."""
    return Evaluation(
        manifest=1,
        rows=10 * len(codes),
        codes=list(codes),
        support=[10] * len(codes),
        challenger=figures(challenger, 9, codes=codes),
        champion=figures(champion, 8, codes=codes, latency_s=0.01) if champion else None,
        parts=[
            Part("text-only", 6, 0.9, 0.8 if champion else None),
            Part("from-image-only", 20, 0.5, 0.55 if champion else None),
            Part("language-fr", 21, 0.91, 0.82 if champion else None),
        ],
        changes={Change.MENDED: 3, Change.BROKEN: 1, Change.STILL_WRONG: 0} if champion else {},
        examples=list(examples) if champion else [],
    )


def changed(segment: str, row: int, *, truth: int = 10, change: Change = Change.MENDED) -> ChangedProduct:
    """A product of the training store that both models answer differently."""
    other = next(code for code in CODES if code != truth)
    said = (other, 0.6, truth, 0.9) if change is Change.MENDED else (truth, 0.7, other, 0.55)
    return ChangedProduct(segment, row, f"p{row}", change, truth, *said)


def gate_report(outcome: str, *, codes: Sequence[int] = CODES) -> dict[str, Any]:
    """What the gate writes of a comparison: reasons, the evidence behind them, and the policy."""
    difference = {
        "rows": 30,
        "clusters": 30,
        "observed": 0.1,
        "improves": 0.71,
        "worsens": 0.1,
        "low": -0.02,
        "high": 0.2,
    }
    classes = [{"code": code, "support": 10, "champion_f1": 0.8, "challenger_f1": 0.9, "p_fall": 0.9} for code in codes]
    comparison = {
        "overall": difference,
        "frozen": difference,
        "fresh": None,
        "classes": classes,
        "calibration_increase": -0.001,
        "relative_latency": 1.2,
        "robustness": [{"disturbance": "typos", "rows": 30, "champion_f1": 0.7, "challenger_f1": 0.69}],
        "new_labels": None,
        "looks": {"at_holdout": 2, "at_champion": 1},
        "same_package": False,
        "new_architecture": False,
    }
    policy = {
        "confidence": 0.8,
        "strict_confidence": 0.95,
        "floor": -0.01,
        "fewest_clusters": 30,
        "looks_until_strict": 50,
        "alpha": 0.05,
        "class_support": 30,
        "class_margin": 0.03,
        "max_calibration_increase": 0.02,
        "max_relative_latency": 1.5,
    }
    reasons = [
        "passed golden answers: the package repeats its own recorded answers",
        "passed latency: 1.20 times the champion's, allowed 1.50",
        "FAILED likely better: P(improves) 0.710, asked 0.80 (same architecture and encoders)",
        "FAILED no deep downside: 5th percentile -0.0200, floor -0.0100",
    ]
    return {
        "outcome": outcome,
        "reasons": reasons,
        "evidence": {"golden_answers_hold": True, "comparison": comparison},
        "policy": policy,
        "weighted_f1": 0.9,
    }
