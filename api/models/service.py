"""Describing the release that answers."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from api.models.schemas import ChampionRead, Weights
from api.serving.engine import Release


def describe(release: Release) -> ChampionRead:
    """The default model of a release, with what the gate measured of it and what its encoders were loaded from."""
    name, model = release.model(None)
    weights = model.spec.get("weights", {})
    return ChampionRead(
        name=name,
        version=model.sha,
        epoch=release.epoch,
        weighted_f1=weighted_f1(release.gate_report),
        promoted_at=release.promoted_at.replace(tzinfo=UTC),
        taxonomy_version=model.taxonomy_version,
        codes=len(model.codes),
        weights=Weights(text=weights.get("text"), image=weights.get("image")),
        run_id=release.run_id,
    )


def weighted_f1(report: Mapping[str, Any] | None) -> float | None:
    """The challenger's weighted F1 in a gate report; None where the report has none."""
    value = (report or {}).get("weighted_f1")
    return float(value) if isinstance(value, int | float) else None
