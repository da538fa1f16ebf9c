"""What the newest judgement of a package measured: both models' figures, and products that are answered differently."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel
from sqlalchemy.orm import Session

from api.evidence.service import shown_rows
from core.db.repositories import evaluations, judgements
from core.db.repositories.judgements import Judged
from core.domain.evaluation import Change, ChangedProduct, Evaluation, Figures
from core.errors import NotFound
from core.registry.models import read_model
from core.registry.packages import CorruptPackage
from core.store.rows import TrainingRow
from core.store.segments import CorruptSegment
from core.store.shelf import RowAddress, Shelf

_log = logging.getLogger(__name__)


class NotEvaluated(NotFound):
    """No figures are kept of this package: it was never judged, or before figures were kept."""

    code = "model.not_evaluated"


class FiguresRead(BaseModel):
    """One model's answers to the products of the evaluation.

    ``scores`` are in [0, 1], by the names of docs/evaluation.md; ``latency_s`` is the median of seconds for one answer,
    null where it was not timed. ``confusion`` has a row for each true category and a column for each answered one, both
    in the order of ``classes``; null where there are too many.
    """

    version: str
    scores: dict[str, float]
    latency_s: float | None
    confusion: list[list[int]] | None


class DifferenceRead(BaseModel):
    """Weighted F1 of the challenger minus the champion's, on the same products, drawn again by cluster.

    ``low`` and ``high`` are the 5th and 95th percentile, ``improves`` the share of draws in which it is better.
    """

    observed: float
    low: float
    high: float
    improves: float


class ScoreRead(BaseModel):
    """F1 of a category in [0, 1], with the ends of its 95 % interval."""

    f1: float
    low: float
    high: float


class ClassRead(BaseModel):
    """One category under both models; ``support`` is how many products truly have it."""

    prdtypecode: int
    support: int
    challenger: ScoreRead
    champion: ScoreRead | None


class PartRead(BaseModel):
    """Weighted F1 on some of the products, such as ``text-only`` or ``language-fr``; ``rows`` is how many."""

    name: str
    rows: int
    challenger: float
    champion: float | None


class AnswerRead(BaseModel):
    """What a model answered, and how sure it was."""

    prdtypecode: int
    confidence: float


class ChangedRead(BaseModel):
    """A product of the hold-out or the fresh rows that both models answer differently.

    ``row`` names it in the training store; its photo is at ``/training-rows/{row}/image``. A product that was retracted
    since is not told of.
    """

    row: str
    product_id: str
    designation: str
    has_image: bool
    change: Literal["mended", "broken", "still wrong"]
    prdtypecode: int
    champion: AnswerRead
    challenger: AnswerRead


class EvaluationRead(BaseModel):
    """A package beside the champion of the day it was judged, on the same products, which neither had learnt from.

    ``manifest`` is the snapshot that these ``rows`` products belong to. ``changes`` counts those with another answer
    now: ``mended``, ``broken`` and ``still wrong``; ``examples`` are some of each. ``champion`` and ``difference`` are
    null where nothing was served.
    """

    manifest: int
    rows: int
    challenger: FiguresRead
    champion: FiguresRead | None
    difference: DifferenceRead | None
    classes: list[ClassRead]
    parts: list[PartRead]
    changes: dict[str, int]
    examples: list[ChangedRead]


def evaluation_of(session: Session, packages: Path, shelf: Shelf, version: str) -> EvaluationRead:
    """What was measured of a package.

    Raises:
        UnknownVersion: no model is packaged under this version.
        NotEvaluated: nothing that was measured of it is kept.
    """
    try:
        read_model(packages, version)
    except CorruptPackage:
        _log.info("evaluation.of_damaged_package", extra={"package": version})  # what was measured of it stays true
    found = evaluations.newest_of(session, version)
    if found is None:
        raise NotEvaluated("No figures are kept of this model.")
    judged = judgements.newest_of(session, [version]).get(version)
    return EvaluationRead(
        manifest=found.manifest,
        rows=found.rows,
        challenger=_figures(found.challenger),
        champion=_figures(found.champion) if found.champion else None,
        difference=_difference(found, judged),
        classes=list(_classes(found)),
        parts=[
            PartRead(name=one.name, rows=one.rows, challenger=one.challenger, champion=one.champion)
            for one in found.parts
        ],
        changes={kind.value: found.changes.get(kind, 0) for kind in Change} if found.champion else {},
        examples=list(_examples(session, shelf, found)),
    )


def _figures(one: Figures) -> FiguresRead:
    return FiguresRead(
        version=one.package,
        scores=dict(one.scores),
        latency_s=one.latency_s,
        confusion=[list(row) for row in one.confusion] if one.confusion is not None else None,
    )


def _difference(found: Evaluation, judged: Judged | None) -> DifferenceRead | None:
    """The gate's own, where the newest judgement is the one that measured this."""
    said = judged.said if judged else None
    if said is None or found.champion is None or said.champion != found.champion.package:
        return None
    compared = (said.gate.get("evidence") or {}).get("comparison")
    if not compared:
        return None
    return DifferenceRead(**{name: compared["overall"][name] for name in DifferenceRead.model_fields})


def _classes(found: Evaluation) -> Iterator[ClassRead]:
    for place, code in enumerate(found.codes):
        yield ClassRead(
            prdtypecode=code,
            support=found.support[place],
            challenger=_score(found.challenger, place),
            champion=_score(found.champion, place) if found.champion else None,
        )


def _score(figures: Figures, place: int) -> ScoreRead:
    return ScoreRead(f1=figures.f1[place], low=figures.low[place], high=figures.high[place])


def _examples(session: Session, shelf: Shelf, found: Evaluation) -> Iterator[ChangedRead]:
    """Those of the examples whose product still counts, by the database as well as by the newest manifest."""
    rows = {RowAddress(one.segment, one.row): one for one in found.examples}
    try:
        kept = {address: row for address in rows if (row := shelf.row(address)) is not None}
    except CorruptSegment as error:
        _log.warning("evaluation.no_examples", extra={"code": error.code, "reason": str(error)})
        return
    standing = set(shown_rows(session, list(kept.values())))
    for address, row in kept.items():
        if row in standing:
            yield _example(address, rows[address], row)


def _example(address: RowAddress, one: ChangedProduct, row: TrainingRow) -> ChangedRead:
    return ChangedRead(
        row=str(address),
        product_id=one.product_id,
        designation=row.designation,
        has_image=bool(row.image_sha256),
        change=one.change.value,
        prdtypecode=one.truth,
        champion=AnswerRead(prdtypecode=one.champion, confidence=one.champion_confidence),
        challenger=AnswerRead(prdtypecode=one.challenger, confidence=one.challenger_confidence),
    )
