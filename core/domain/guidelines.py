"""What belongs into a category and what does not, in the words of whoever runs the shop, a sentence or two each."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid

LONGEST = 1000
"""Characters of one guideline in one language."""


class BadGuidelines(Invalid):
    """A file of guidelines that cannot be one."""

    code = "guidelines.bad_file"


@dataclass(frozen=True, slots=True)
class Guideline:
    """What belongs into one category, in English and in French."""

    en: str
    fr: str


class Guidelines:
    """Guidelines by code; a category may have none."""

    def __init__(self, by_code: Mapping[int, Guideline]) -> None:
        self._by_code = dict(sorted(by_code.items()))

    @classmethod
    def from_csv(cls, path: Path) -> "Guidelines":
        """Read ``prdtypecode,en`` with an optional column ``fr``, UTF-8, RFC 4180.

        Raises:
            BadGuidelines: a column is missing, a code is no integer or stands twice, a text is empty or too long.
        """
        with path.open(encoding="utf-8-sig", newline="") as file:
            return cls._read(file, path.name)

    @classmethod
    def _read(cls, lines: Iterable[str], name: str) -> "Guidelines":
        found: dict[int, Guideline] = {}
        for row in csv.DictReader(lines):
            code, guideline = _row(row, name)
            if code in found:
                raise BadGuidelines(f"{name}: expected one guideline a code. Received: {code} twice")
            found[code] = guideline
        return cls(found)

    def require_known(self, codes: Collection[int]) -> None:
        """Refuse guidelines for categories that are not there: they would be shown nowhere.

        Raises:
            BadGuidelines: one of them is not among ``codes``.
        """
        unknown = [code for code in self._by_code if code not in codes]
        if unknown:
            raise BadGuidelines(f"guidelines are for categories of the taxonomy. Received: {unknown}")

    def to_csv(self) -> str:
        """The canonical text: columns prdtypecode, en, fr; LF line ends; ordered by code."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["prdtypecode", "en", "fr"])
        writer.writerows([code, one.en, one.fr] for code, one in self._by_code.items())
        return out.getvalue()

    def of(self, code: int) -> Guideline | None:
        """A category's guideline, None where it has none."""
        return self._by_code.get(code)


def _row(row: Mapping[str, str | None], name: str) -> tuple[int, Guideline]:
    try:
        code, en = int(row["prdtypecode"] or ""), (row["en"] or "").strip()
    except (KeyError, ValueError) as error:
        raise BadGuidelines(f"{name}: expected columns prdtypecode, en, perhaps fr ({error})") from error
    fr = (row.get("fr") or "").strip() or en
    if not 1 <= len(en) <= LONGEST or len(fr) > LONGEST:
        raise BadGuidelines(f"{name}: a guideline has 1 to {LONGEST} characters. Received: {len(en)} for {code}")
    return code, Guideline(en, fr)
