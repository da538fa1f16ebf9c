"""What a judgement measured, in the form that the service shows: both models' figures, and products by their place."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from core.domain.evaluation import MOST_CLASSES, Change, ChangedProduct, Evaluation, Figures, Part
from training.changes import EXAMPLES, changes_between
from training.evaluate import Evaluation as Scores
from training.evaluate import Slice, confusion
from training.jobs.exam import Exam, Latency, Sitting

_DIGITS = 5  # one in a hundred thousand: enough for a page, and a row of the audit stays small


def evaluation_of(exam: Exam, challenger: Sitting, champion: Sitting | None, latency: Latency) -> Evaluation:
    """Both models' answers to one exam; ``champion`` is None where there is none."""
    answerable = [sitting.model.codes for sitting in (challenger, champion) if sitting]
    codes = np.unique(np.concatenate([exam.rows.truth, *answerable])).astype(np.int64)
    changes: Mapping[Change, NDArray[np.intp]] = {}
    if champion:
        changes = changes_between(exam.rows.truth, champion.answers, challenger.answers)
    return Evaluation(
        manifest=exam.snapshot.manifest.number,
        rows=len(exam.rows.truth),
        codes=codes.tolist(),
        support=np.bincount(np.searchsorted(codes, exam.rows.truth), minlength=len(codes)).tolist(),
        challenger=_figures(exam, challenger, codes, latency.challenger_s),
        champion=_figures(exam, champion, codes, latency.champion_s) if champion else None,
        parts=list(_parts(challenger.scores, champion.scores if champion else None)),
        changes={change: len(rows) for change, rows in changes.items()},
        examples=list(_examples(exam, challenger, champion, changes)) if champion else [],
    )


def _figures(exam: Exam, sitting: Sitting, codes: NDArray[np.int64], latency_s: float | None) -> Figures:
    scores = [sitting.scores.classes.get(int(code)) for code in codes]
    table = None
    if len(codes) <= MOST_CLASSES:
        truth, answered = (np.searchsorted(codes, each) for each in (exam.rows.truth, sitting.answers.codes))
        table = confusion(truth, answered, len(codes)).tolist()
    return Figures(
        package=sitting.model.sha,
        scores={name: round(value, _DIGITS) for name, value in sitting.scores.metrics().items()},
        f1=[round(one.f1, _DIGITS) if one else 0.0 for one in scores],
        low=[round(one.low, _DIGITS) if one else 0.0 for one in scores],
        high=[round(one.high, _DIGITS) if one else 0.0 for one in scores],
        confusion=table,
        latency_s=round(latency_s, 6) if latency_s is not None else None,
    )


def _parts(challenger: Scores, champion: Scores | None) -> Iterator[Part]:
    beside = _slices(champion) if champion else {}
    for name, part in _slices(challenger).items():
        old = beside.get(name)
        yield Part(name, part.rows, round(part.weighted_f1, _DIGITS), round(old.weighted_f1, _DIGITS) if old else None)


def _slices(scores: Scores) -> dict[str, Slice]:
    """Every slice by the name that its score has."""
    halves = {modality.value.replace("+", "-and-"): part for modality, part in scores.slices.items()}
    alone = {f"from-{modality.value}": part for modality, part in scores.alone.items()}
    return halves | alone | {f"language-{language}": part for language, part in scores.languages.items()}


def _examples(
    exam: Exam, challenger: Sitting, champion: Sitting, changes: Mapping[Change, NDArray[np.intp]]
) -> Iterator[ChangedProduct]:
    for change, rows in changes.items():
        for row in rows[:EXAMPLES]:
            place = exam.places[row]
            segment, row_in_segment = exam.snapshot.addresses[place]
            yield ChangedProduct(
                segment=segment,
                row=row_in_segment,
                product_id=exam.snapshot.rows[place].product_id,
                change=change,
                truth=int(exam.rows.truth[row]),
                champion=int(champion.answers.codes[row]),
                champion_confidence=round(float(champion.answers.confidences[row]), _DIGITS),
                challenger=int(challenger.answers.codes[row]),
                challenger_confidence=round(float(challenger.answers.confidences[row]), _DIGITS),
            )
