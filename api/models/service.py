"""Describing the release that answers."""

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Any

from api.models.schemas import ChampionRead, Weights
from api.serving.engine import Release
from core.registry.packages import SPEC


def describe(release: Release, packages: Path) -> ChampionRead:
    """The default model of a release, with what the gate measured of it and what its encoders were loaded from."""
    name, model = release.model(None)
    return ChampionRead(
        name=name,
        version=model.sha,
        epoch=release.epoch,
        weighted_f1=weighted_f1(release.gate_report),
        promoted_at=release.promoted_at.replace(tzinfo=UTC),
        taxonomy_version=model.taxonomy_version,
        codes=len(model.codes),
        weights=_weights(model.spec, packages),
        run_id=release.run_id,
    )


def weighted_f1(report: Mapping[str, Any] | None) -> float | None:
    """The challenger's weighted F1 in a gate report; None where the report has none."""
    value = (report or {}).get("weighted_f1")
    return float(value) if isinstance(value, int | float) else None


def _weights(spec: Mapping[str, Any], packages: Path) -> Weights:
    encoders = spec.get("encoders") or {}
    return Weights(text=_loaded(packages, encoders.get("text")), image=_loaded(packages, encoders.get("image")))


def _loaded(packages: Path, encoder: str | None) -> str | None:
    """What an encoder's weights are, in a word. Only for show: serving has verified the package itself."""
    if encoder is None:
        return None
    try:
        return json.loads((packages / encoder / SPEC).read_bytes())["weights"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
