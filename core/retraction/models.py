"""Which models learnt from labels that are taken back."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from core.db.repositories import promotions
from core.db.repositories.labels import Stay


@dataclass(frozen=True, slots=True)
class TaintedModel:
    """A released model whose training snapshot held at least one of the labels.

    Attributes:
        name: the model's name.
        version: its package's sha256.
        epoch: the release that first served it.
        manifest: the snapshot it learnt from.
        served: whether it answers now.
    """

    name: str
    version: str
    epoch: int
    manifest: int
    served: bool


def trained_on(session: Session, stays: Iterable[Stay]) -> tuple[TaintedModel, ...]:
    """The released models whose snapshot is within one of ``stays``, in the order of their release."""
    spans = {(stay.since, stay.until) for stay in stays}
    ledger = promotions.oldest_first(session)
    serving = ledger[-1].models if ledger else {}
    found: dict[tuple[str, str], TaintedModel] = {}
    for release in ledger:
        snapshot = release.manifest
        if snapshot is None or not any(
            since <= snapshot and (until is None or snapshot < until) for since, until in spans
        ):
            continue
        for name, version in release.models.items():
            # A model that rides along unchanged learnt from the snapshot of the release that brought it.
            if release.previous.get(name) != version:
                tainted = TaintedModel(name, version, release.epoch, snapshot, serving.get(name) == version)
                found.setdefault((name, version), tainted)
    return tuple(found.values())
