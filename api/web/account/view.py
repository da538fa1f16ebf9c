"""What one's own account shows."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from core.db.models import ApiKey


@dataclass(frozen=True, slots=True)
class Key:
    """An API key, told by its beginning; ``used_at`` is None where it never was used."""

    id: str
    name: str
    hint: str
    created_at: datetime
    used_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """A row of the table."""
        used_at = key.last_used_at.replace(tzinfo=UTC) if key.last_used_at else None
        return cls(key.id, key.name, key.hint, key.created_at.replace(tzinfo=UTC), used_at)
