"""Small made-up catalogues of other kinds than the challenge's: languages, categories, halves that are missing."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

LANGUAGES = {
    "ja": ("さくら やま 青い 新しい 送料無料 日本製", "カメラ 望遠 三脚 写真"),
    "de": ("Größe schöne für Außen weiß Händler", "Bücherregal Schreibtisch Eiche Schublade"),
    "ar": ("جديد أحمر كبيرة أزرق مقاوم للماء", "حذاء رياضي كعب مقاس"),
}
"""Words that say nothing, and words of one class, by language."""


@dataclass(frozen=True)
class MadeUp:
    """A catalogue to write.

    Attributes:
        rows: title, description, code, and grey level of the photo (None: no imageid).
        taxonomy: code and label; None: the catalogue brings no ``taxonomy.csv``.
        lost_photos: places of rows whose photo is named but not written.
    """

    rows: Sequence[tuple[str, str, int, int | None]]
    taxonomy: Sequence[tuple[int, str]] | None = None
    lost_photos: frozenset[int] = field(default_factory=frozenset)

    def write(self, folder: Path) -> Path:
        """In the challenge's layout; returns ``folder``."""
        folder.mkdir(parents=True)
        ids = [(str(100 + at), "" if row[3] is None else str(900 + at)) for at, row in enumerate(self.rows)]
        products = [[str(at), row[0], row[1], *ids[at]] for at, row in enumerate(self.rows)]
        _write(folder / "X_train_update.csv", ["", "designation", "description", "productid", "imageid"], products)
        codes = [[str(at), str(row[2])] for at, row in enumerate(self.rows)]
        _write(folder / "Y_train_CVw08PX.csv", ["", "prdtypecode"], codes)
        if self.taxonomy is not None:
            _write(folder / "taxonomy.csv", ["prdtypecode", "label"], [[str(code), one] for code, one in self.taxonomy])
        for at, (row, (product, image)) in enumerate(zip(self.rows, ids, strict=True)):
            if row[3] is not None and at not in self.lost_photos:
                path = folder / "images" / "image_train" / f"image_{image}_product_{product}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(photo(row[3], at))
        return folder


def three_languages(count: int, seed: int = 3) -> MadeUp:
    """Texts alone: large codes, labels in three scripts, a category with one product and one without any."""
    random = np.random.default_rng(seed)
    codes = dict(zip(LANGUAGES, (1_900_000_001, 5, 1_900_000_003), strict=True))
    rows = []
    for at in range(count):
        language = list(LANGUAGES)[at % 3]
        common, own = (words.split() for words in LANGUAGES[language])
        words = [*random.choice(common, 3), str(random.choice(own)), str(at)]
        title = ("" if language == "ja" else " ").join(words)
        rows.append((title, " ".join(random.choice(common, 20)) if at % 2 else "", codes[language], None))
    rows.append(("唯一", "", 6, None))
    labels = ("写真・カメラ", "Möbel & Küche", "أحذية", "その他", "空")
    return MadeUp(rows, list(zip([*codes.values(), 6, 7], labels, strict=True)))


def two_greys(count: int, seed: int = 4) -> MadeUp:
    """Photos that tell the class under titles that do not, no descriptions, no taxonomy; every fifth photo is lost."""
    random = np.random.default_rng(seed)
    rows = [(f"Article {random.integers(10**6)}", "", at % 2 * 777, 40 + at % 2 * 150) for at in range(count)]
    return MadeUp(rows, None, frozenset(range(0, count, 5)))


def photo(grey: int, seed: int) -> bytes:
    """A small JPEG: noise about a grey level."""
    noise = np.random.default_rng(seed).integers(-30, 30, (12, 9, 3))
    out = io.BytesIO()
    Image.fromarray((grey + noise).clip(0, 255).astype(np.uint8)).resize((72, 96)).save(out, "JPEG")
    return out.getvalue()


def _write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
