"""The active categories: codes, labels and themes, with a version that travels beside every answer."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import Invalid


class UnknownCode(Invalid):
    """A code that is not in the active taxonomy."""

    code = "taxonomy.unknown_code"

    def __init__(self, prdtypecode: int, version: str) -> None:
        super().__init__(f"prdtypecode {prdtypecode} is not in taxonomy {version}")
        self.prdtypecode = prdtypecode
        self.version = version


class BadTaxonomy(Invalid):
    """A taxonomy file that cannot be one."""

    code = "taxonomy.bad_file"


@dataclass(frozen=True, slots=True)
class Category:
    """One class: ``code`` (prdtypecode), English and French label, theme (parent group) in English and French."""

    code: int
    label: str
    label_fr: str
    theme: str
    theme_fr: str = ""


class Taxonomy:
    """An immutable set of categories, ordered by code."""

    def __init__(self, categories: list[Category]) -> None:
        self._by_code = {category.code: category for category in sorted(categories, key=lambda c: c.code)}
        if not self._by_code or len(self._by_code) != len(categories):
            raise BadTaxonomy(f"expected distinct codes, at least one. Received: {[c.code for c in categories]}")

    @classmethod
    def from_csv(cls, path: Path) -> "Taxonomy":
        """Read ``prdtypecode,label`` with optional columns ``label_fr``, ``theme`` and ``theme_fr``, UTF-8, RFC 4180.

        Raises:
            BadTaxonomy: a column is missing, a code is not an integer, or a code stands twice.
        """
        with path.open(encoding="utf-8-sig", newline="") as file:
            return cls._read(file, path.name)

    @classmethod
    def parse(cls, text: str) -> "Taxonomy":
        """Read what ``to_csv`` returned; raises what ``from_csv`` raises."""
        return cls._read(io.StringIO(text, newline=""), "taxonomy")

    @classmethod
    def _read(cls, lines: Iterable[str], name: str) -> "Taxonomy":
        rows = list(csv.DictReader(lines))
        try:
            return cls(
                [
                    Category(
                        int(row["prdtypecode"]),
                        row["label"],
                        row.get("label_fr") or row["label"],
                        row.get("theme") or "",
                        row.get("theme_fr") or "",
                    )
                    for row in rows
                ]
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadTaxonomy(f"{name}: expected columns prdtypecode, label, perhaps theme ({error})") from error

    def to_csv(self) -> str:
        """The canonical text, ordered by code, LF line ends.

        Columns are prdtypecode, label, label_fr and theme; theme_fr follows where a theme has a French name, so that a
        taxonomy without any keeps its version.
        """
        columns = ["prdtypecode", "label", "label_fr", "theme", "theme_fr"]
        rows = [[c.code, c.label, c.label_fr, c.theme, c.theme_fr] for c in self]
        wide = len(columns) if any(c.theme_fr for c in self) else len(columns) - 1
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(row[:wide] for row in [columns, *rows])
        return out.getvalue()

    @property
    def codes(self) -> tuple[int, ...]:
        """All codes in ascending order: the column order of every probability array."""
        return tuple(self._by_code)

    @property
    def version(self) -> str:
        """First 12 hexadecimal digits of the sha256 of the canonical text."""
        return hashlib.sha256(self.to_csv().encode()).hexdigest()[:12]

    def require(self, code: int) -> Category:
        """The category of ``code``.

        Raises:
            UnknownCode: it is not in this taxonomy.
        """
        try:
            return self._by_code[code]
        except KeyError:
            raise UnknownCode(code, self.version) from None

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __iter__(self) -> Iterator[Category]:
        return iter(self._by_code.values())

    def __len__(self) -> int:
        return len(self._by_code)
