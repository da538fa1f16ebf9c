"""Many staged predictions at once, without a model."""

from datetime import datetime, timedelta
from typing import Any

_BEGUN = datetime(2026, 1, 1)  # noqa: DTZ001 - as the database keeps it


def staged(owner_id: str, count: int) -> list[dict[str, Any]]:
    """Rows of the prediction table: a second apart, all before now, about 1,000 characters each."""
    answer = {"top_k": [[10, 0.5], [40, 0.3], [2060, 0.2]], "experts": {"toy": [[10, 0.5]]}}
    return [
        {
            "id": f"01900000-0000-7000-8000-{number:012x}",
            "owner_id": owner_id,
            "designation": f"product {number} " + "x" * 980,
            "modality": "text-only",
            "suggested_code": 10,
            "current_code": 10,
            "confidence": 0.5,
            "answer": answer,
            "model_name": "fusion",
            "model_version": "1" * 64,
            "epoch": 1,
            "taxonomy_version": "toy000000000",
            "created_at": _BEGUN + timedelta(seconds=number),
        }
        for number in range(count)
    ]
