"""What the archive keeps of one rejected product: a folder with ``product.json`` and, where there is one, its photo."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from core.db.repositories.archive import Content
from core.domain.taxonomy import Taxonomy
from core.errors import Invalid, Unavailable

PRODUCT = "product.json"
PHOTO = "photo.jpg"
FOLDER = "."
"""The name under which a parcel's own folder stands among its ids."""
MEDIA_TYPES = {PRODUCT: "application/json", PHOTO: "image/jpeg"}


class ArchiveUnavailable(Unavailable):
    """The archive cannot be reached, is full, or refuses us; the message says which."""

    code = "archive.unavailable"


class BadParcel(Invalid):
    """Something in the archive is not what was put there."""

    code = "archive.bad_parcel"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One product as the archive keeps it.

    Attributes:
        day: date of the rejection in UTC, ``2026-11-21``: the folder it lies in.
        name: its own folder's name.
        files: bytes by file name.
    """

    day: str
    name: str
    files: Mapping[str, bytes]

    @property
    def product(self) -> dict[str, Any]:
        """What ``product.json`` says.

        Raises:
            BadParcel: the file is missing or is not JSON.
        """
        try:
            return json.loads(self.files[PRODUCT])
        except (KeyError, ValueError) as error:
            raise BadParcel(f"{self.day}/{self.name}: {PRODUCT} is missing or damaged") from error


class Archive(Protocol):
    """A place that keeps parcels. Sending a parcel again under the same ids changes nothing.

    Every method raises ``ArchiveUnavailable``.
    """

    place: str

    def close(self) -> None:
        """Let connections go."""
        ...

    def reserve(self, count: int) -> list[str]:
        """Ids that nothing has yet."""
        ...

    def store(self, parcel: Parcel, day_folder: str, ids: Mapping[str, str]) -> None:
        """Keep a parcel; ``ids`` names its folder (``FOLDER``) and its files. Durable when it returns."""
        ...

    def remove(self, parcel: Parcel, ids: Mapping[str, str]) -> None:
        """Delete a parcel, whether or not it is there. Its ``files`` are not looked at."""
        ...

    def parcels(self) -> Iterator[Parcel]:
        """Every parcel, in the order of day and name."""
        ...


def name_of(prediction_id: str, version: int) -> str:
    """The folder of one rejection: a product that was rejected, reopened and rejected again lies there twice."""
    return f"{prediction_id}-v{version}"


def compose(content: Content, day: str, taxonomy: Taxonomy, photo: bytes | None) -> Parcel:
    """Write down a rejected product: the same bytes for the same rejection."""
    row = content.row
    product = {
        "prediction_id": row.id,
        "version": row.version,
        "designation": row.designation,
        "description": row.description,
        "has_photo": photo is not None,
        "sent_at": _moment(row.created_at),
        "suggestion": {
            **_category(row.suggested_code, taxonomy),
            "confidence": row.confidence,
            "top_k": [{**_category(code, taxonomy), "confidence": score} for code, score in row.answer["top_k"]],
            "model": {"name": row.model_name, "version": row.model_version, "epoch": row.epoch},
            "taxonomy_version": row.taxonomy_version,
        },
        "current": _category(row.current_code, taxonomy),
        "rejected": {"reason": content.reason, "at": _moment(content.rejected_at)},
    }
    files = {PRODUCT: json.dumps(product, ensure_ascii=False, indent=2).encode()}
    if photo is not None:
        files[PHOTO] = photo
    return Parcel(day, name_of(row.id, row.version), files)


def _category(code: int, taxonomy: Taxonomy) -> dict[str, Any]:
    if code not in taxonomy:
        return {"prdtypecode": code, "label": "", "theme": ""}
    category = taxonomy.require(code)
    return {"prdtypecode": code, "label": category.label, "theme": category.theme}


def _moment(naive: Any) -> str:
    return naive.replace(tzinfo=UTC).isoformat(timespec="microseconds")
