"""What the models page shows of the release, its challengers and the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from api.deps import Parts
from api.models.schemas import NEWEST_EPOCH
from api.models.service import spans
from api.retraining.schemas import RetrainRead
from api.web.models.links import Links, links_of
from core.db.models import Promotion
from core.db.repositories import evaluations, judgements, promotions, retrain_requests
from core.db.repositories.judgements import Judged
from core.db.repositories.promotions import Move
from core.domain.evaluation import Figures
from core.domain.promotion import GATED
from core.errors import EtalonError
from core.registry.models import ModelFacts, newest_models, packaged_at, read_model

CHALLENGERS = 20
EPOCHS = 15


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of the newest release.

    Attributes:
        facts: what it says of itself; None where its package cannot be read.
        figures: what its judgement measured; None where that is not kept.
        links: where more is to be seen of it.
    """

    name: str
    version: str
    facts: ModelFacts | None
    figures: Figures | None
    weighted_f1: float | None
    links: Links


@dataclass(frozen=True, slots=True)
class Challenger:
    """A packaged model that is not served.

    Attributes:
        decision: the newest judgement's; ``none`` where there is none.
        is_stale: it was judged beside another champion than the present one.
        gain: weighted F1 beyond what that champion had, in shares; None where it was compared with none.
    """

    facts: ModelFacts
    packaged_at: datetime
    decision: str
    is_stale: bool
    weighted_f1: float | None
    gain: float | None


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One epoch: which models it changed (version by name; None: served no longer), by whom and why."""

    row: Promotion
    at: datetime
    by: str
    changed: Mapping[str, str | None]
    links: Links


@dataclass(frozen=True, slots=True)
class Overview:
    """How things stand.

    Attributes:
        epoch: the ledger's newest; 0 before the first.
        served_epoch: what this process answers with; None before it has loaded any.
        release: the ledger's row since which the champion is served; None before the first.
        champion: the default model.
        companions: every other one.
        challengers: newest first.
        ledger: newest first, a page of it.
        older: the ``before`` of the page after it; None on the last.
        goes_back_to: what a rollback would serve; empty where there is nothing to go back to.
        wish: the newest request for a retraining.
    """

    epoch: int
    served_epoch: int | None
    release: LedgerRow | None
    champion: ServedModel | None
    companions: Sequence[ServedModel]
    challengers: Sequence[Challenger]
    ledger: Sequence[LedgerRow]
    older: int | None
    goes_back_to: Mapping[str, str]
    wish: RetrainRead | None


def overview(session: Session, parts: Parts, *, before: int = NEWEST_EPOCH) -> Overview:
    """Read it all; ``before`` is the epoch that the page of the ledger ends below."""
    rows = promotions.page(session, before=before, limit=EPOCHS + 1)
    newest = rows[:1] if before == NEWEST_EPOCH else promotions.page(session, before=NEWEST_EPOCH, limit=1)
    now = newest[0] if newest else None
    serving = dict(now.row.models) if now else {}
    served = {name: _served(session, parts, name, version) for name, version in sorted(serving.items())}
    champion = served.pop(GATED, None)
    return Overview(
        epoch=now.row.epoch if now else promotions.NO_EPOCH,
        served_epoch=parts.serving.epoch,
        release=_ledger_row(_brought(session, champion.version, now), parts) if now and champion else None,
        champion=champion,
        companions=list(served.values()),
        challengers=list(_challengers(session, parts, serving)),
        ledger=[_ledger_row(move, parts) for move in rows[:EPOCHS]],
        older=rows[EPOCHS - 1].row.epoch if len(rows) > EPOCHS else None,
        goes_back_to=dict(now.row.previous) if now else {},
        wish=_wish(session),
    )


def _brought(session: Session, version: str, now: Move) -> Move:
    """The move since which a package that is served is served: companions may have moved the epoch since."""
    first = spans(promotions.steps(session), version)[-1].first_epoch
    return now if first == now.row.epoch else promotions.page(session, before=first + 1, limit=1)[0]


def _served(session: Session, parts: Parts, name: str, version: str) -> ServedModel:
    judged = judgements.newest_of(session, [version]).get(version)
    measured = evaluations.newest_of(session, version)
    return ServedModel(
        name=name,
        version=version,
        facts=_facts(parts, version),
        figures=measured.challenger if measured else None,
        weighted_f1=judged.said.weighted_f1 if judged else None,
        links=links_of(parts.settings.serving, judged.said.run_id if judged else None),
    )


def _facts(parts: Parts, version: str) -> ModelFacts | None:
    try:
        return read_model(parts.settings.store.packages, version)
    except EtalonError:  # gone or damaged: the page says so, and the rest of it stands
        return None


def _challengers(session: Session, parts: Parts, serving: Mapping[str, str]) -> Iterator[Challenger]:
    packages = parts.settings.store.packages
    found = newest_models(packages, limit=CHALLENGERS, leave_out=set(serving.values()))
    judged = judgements.newest_of(session, [facts.version for facts in found])
    for facts in found:
        yield _challenger(facts, packaged_at(packages, facts.version), judged.get(facts.version), serving)


def _challenger(facts: ModelFacts, since: datetime, judged: Judged | None, serving: Mapping[str, str]) -> Challenger:
    said = judged.said if judged else None
    gain = None
    if said and said.weighted_f1 is not None and said.champion_weighted_f1 is not None:
        gain = said.weighted_f1 - said.champion_weighted_f1
    return Challenger(
        facts=facts,
        packaged_at=since,
        decision=said.decision if said else "none",
        is_stale=said is not None and said.champion != serving.get(facts.name),
        weighted_f1=said.weighted_f1 if said else None,
        gain=gain,
    )


def _ledger_row(move: Move, parts: Parts) -> LedgerRow:
    row = move.row
    names = sorted({*row.models, *row.previous})
    changed = {name: row.models.get(name) for name in names if row.models.get(name) != row.previous.get(name)}
    links = links_of(parts.settings.serving, row.run_id)
    return LedgerRow(row, row.created_at.replace(tzinfo=UTC), move.promoted_by, changed, links)


def _wish(session: Session) -> RetrainRead | None:
    wish = retrain_requests.newest(session)
    if wish is None:
        return None
    taken_at = wish.request.taken_at
    return RetrainRead.of(wish, judgements.first_since(session, taken_at) if taken_at else None)


def context_of(parts: Parts, before: int) -> dict[str, Any]:
    """What the overview's template shows."""
    with parts.readers() as session:
        return {"view": overview(session, parts, before=before), "is_first_page": before == NEWEST_EPOCH}
