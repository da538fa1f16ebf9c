"""The catalogue as files: the challenge's layout, written aside and put in place in one move."""

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from local.sample.drawing import photograph
from local.sample.recipe import DATA, Recipe
from local.sample.vocabulary import Vocabulary
from local.sample.wording import Seller

X_TRAIN, Y_TRAIN = "X_train_update.csv", "Y_train_CVw08PX.csv"
X_TEST, Y_TEST = "X_test_update.csv", "Y_test_oracle.csv"
RECEIPT = "sample.json"
REPORT_EVERY = 250  # products

Progress = Callable[[int, int], None]


class FolderTaken(Exception):
    """The folder holds something that this recipe did not write."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One product to be written: its place in the catalogue, its class, its ids; ``repeats`` is the place copied."""

    place: int
    code: int
    productid: int
    imageid: int
    repeats: int | None

    def photo(self, split: str) -> str:
        """The photo's path in the challenge's layout; ``split`` is ``train`` or ``test``."""
        return f"images/image_{split}/image_{self.imageid}_product_{self.productid}.jpg"


def write_catalogue(out: Path, recipe: Recipe, vocabulary: Vocabulary, report: Progress) -> dict[str, object]:
    """Write the whole catalogue to ``out`` and return its receipt; the same recipe found there is left as it is.

    Raises:
        FolderTaken: ``out`` is not empty and holds no catalogue of this very recipe.
    """
    out = out.resolve()
    receipt = {"recipe": asdict(recipe), "words_sha256": _words_digest()}
    if _is_there(out, receipt):
        return receipt | {"written": False}
    aside = out.with_name(f".{out.name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    for split in ("train", "test"):
        (aside / "images" / f"image_{split}").mkdir(parents=True)
    listings = plan(recipe, vocabulary)
    _write_split(aside, "train", listings[: recipe.train], recipe, vocabulary, report)
    _write_split(aside, "test", listings[recipe.train :], recipe, vocabulary, report)
    shutil.copyfile(DATA / "taxonomy.csv", aside / "taxonomy.csv")
    (aside / RECEIPT).write_text(json.dumps(receipt, indent=2) + "\n", encoding="utf-8")
    aside.replace(out)
    return receipt | {"written": True}


def _is_there(out: Path, receipt: dict[str, object]) -> bool:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    if (out / RECEIPT).is_file() and json.loads((out / RECEIPT).read_text(encoding="utf-8")) == receipt:
        return True
    raise FolderTaken(f"{out} holds something else. Delete it or name another folder.")


def _words_digest() -> str:
    """One sha256 over every file that words come from: other words are another catalogue."""
    digest = hashlib.sha256()
    for path in sorted((DATA / "sample").rglob("*.toml")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def plan(recipe: Recipe, vocabulary: Vocabulary) -> list[Listing]:
    """Every product in order, the training file's first; each file has its classes in the shares of the theme files."""
    rng = np.random.default_rng([recipe.seed, 0])
    codes = [*_codes(recipe.train, vocabulary, rng), *_codes(recipe.incoming, vocabulary, rng)]
    productids = rng.choice(4 * 10**9, len(codes), replace=False, shuffle=False) + 10**6
    imageids = rng.choice(3 * 10**8, len(codes), replace=False, shuffle=False) + 10**9
    repeated = rng.random(len(codes)) < recipe.repeats
    listings: list[Listing] = []
    latest: dict[int, int] = {}
    for place, code in enumerate(codes):
        source = latest.get(code) if repeated[place] else None
        listings.append(Listing(place, code, int(productids[place]), int(imageids[place]), source))
        if source is None:
            latest[code] = place
    return listings


def _codes(count: int, vocabulary: Vocabulary, rng: np.random.Generator) -> list[int]:
    """``count`` codes in the classes' shares by largest remainders, every class at least once where that fits."""
    shares = np.array([category.share for category in vocabulary.categories.values()])
    least = 1 if count >= len(shares) else 0
    exact = shares / shares.sum() * (count - least * len(shares))
    counts = np.floor(exact).astype(int) + least
    most_short = np.argsort(counts - exact, kind="stable")
    counts[most_short[: count - counts.sum()]] += 1
    return rng.permutation(np.repeat(list(vocabulary.categories), counts)).tolist()


def _write_split(
    root: Path, split: str, listings: list[Listing], recipe: Recipe, vocabulary: Vocabulary, report: Progress
) -> None:
    total = recipe.train + recipe.incoming
    products, answers = _Table("designation", "description", "productid", "imageid"), _Table("prdtypecode")
    for listing in listings:
        source = listing.place if listing.repeats is None else listing.repeats
        words = Seller(listing.code, vocabulary, recipe, _generator(recipe, 1, source)).write()
        photo = photograph(listing.code, vocabulary, recipe.photos, _generator(recipe, 2, source))
        (root / listing.photo(split)).write_bytes(photo)
        products.row(listing.place, words.designation, words.description, listing.productid, listing.imageid)
        answers.row(listing.place, listing.code)
        if (listing.place + 1) % REPORT_EVERY == 0:
            report(listing.place + 1, total)
    names = (X_TRAIN, Y_TRAIN) if split == "train" else (X_TEST, Y_TEST)
    for name, table in zip(names, (products, answers), strict=True):
        (root / name).write_text(table.text(), encoding="utf-8", newline="")


class _Table:
    """A CSV text in the challenge's dialect: an unnamed index first, LF line ends."""

    def __init__(self, *columns: str) -> None:
        self._out = io.StringIO()
        self._writer = csv.writer(self._out, lineterminator="\n")
        self.row("", *columns)

    def row(self, *cells: object) -> None:
        self._writer.writerow(cells)

    def text(self) -> str:
        return self._out.getvalue()


def _generator(recipe: Recipe, purpose: int, place: int) -> np.random.Generator:
    """Each product's own stream, so that drawing one more photo never changes another."""
    return np.random.default_rng([recipe.seed, purpose, place])
