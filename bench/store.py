"""One append of 100 validated products: into a store and a database of 85,000, against empty ones.

The full store is what 170 batches of 500 rows leave behind: segments, manifests, ``training.csv``, predictions,
verdicts, work, clusters and the index of near ones. Only its tensors are holes in files, which an append never
reads. Both sides take the same products with the same photos, in turn, so that other load falls on both. Ends in one
line of JSON, and fails when the full one takes more than 1.3 times as long.

    python -m bench.store [--rows 85000] [--batch 100] [--rounds 7] [--folder DIR]
"""

import argparse
import io
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sqlalchemy import Engine

from bench.past import SELLER, make_up, title
from core.db.migrate import migrate
from core.db.models import UserAccount
from core.db.repositories import predictions, verdicts
from core.db.repositories.predictions import NewPrediction
from core.db.session import make_engine, make_sessions
from core.domain.language import Language
from core.domain.review import VALIDATE
from core.settings import DatabaseSettings, StoreSettings
from core.store import manifests, training_csv
from preprocessing.images import ImageFolder, SanitisedImage, sanitise
from preprocessing.ingest.append import append

WANTED_RATIO = 1.3
REVIEWER = "01900000-0000-7000-8000-ffffffffffff"
_PHOTO_SIDE = 500  # pixels, as in the challenge
_TAXONOMY = Path(__file__).resolve().parents[1] / "data" / "taxonomy.csv"


@dataclass(frozen=True, slots=True)
class Product:
    """A title and a photo that were validated."""

    title: str
    photo: SanitisedImage


@dataclass(frozen=True, slots=True)
class Side:
    """A database and a store in one folder."""

    folder: Path

    @property
    def store(self) -> StoreSettings:
        """Where its files are."""
        return StoreSettings(root=self.folder)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Its database, closed afterwards."""
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{self.folder}/etalon.db"))
        yield engine
        engine.dispose()

    def stage(self, products: Sequence[Product]) -> None:
        """Let the products wait for their append."""
        for product in products:
            ImageFolder(self.store.images).put(product.photo)
        with self.engine() as engine, make_sessions(engine).begin() as session:
            for product in products:
                row = predictions.add(session, _new(product))
                assert predictions.move(session, row.id, version=1, move=VALIDATE, code=10)
                label = {"code": 10, "reviewer_id": REVIEWER, "reason": None, "detail": {}}
                verdicts.record(session, prediction_id=row.id, version=2, move=VALIDATE, **label)

    def append(self, run_key: str) -> float:
        """Seconds that one append takes."""
        with self.engine() as engine:
            started = time.perf_counter()
            append(make_sessions(engine), self.store, run_key=run_key)
            return time.perf_counter() - started

    def rows(self) -> int:
        """Rows of the store, by its newest manifest and by training.csv, which agree."""
        newest = manifests.newest(self.store.training)
        rows = sum(segment.rows for segment in newest.segments) if newest else 0
        assert training_csv.recorded(self.store.training).get("rows", 0) == rows
        return rows


def main() -> int:
    """Measure, print a table and a JSON line; 1 when the full store costs too much more."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="etalon-bench-") as name:
        taken, rows = _measure(Path(name), arguments)
    medians = {side: statistics.median(seconds) for side, seconds in taken.items()}
    ratio = medians["full"] / medians["empty"]
    for side, seconds in medians.items():
        spread = f"{min(taken[side]) * 1e3:.0f} to {max(taken[side]) * 1e3:.0f}"
        print(f"append of {arguments.batch} to {rows[side]:>6} rows {seconds * 1e3:8.1f} ms  ({spread})")
    print(f"{'ratio':<27} {ratio:8.2f} ×  (wanted: at most {WANTED_RATIO})")
    facts = {f"{side}_ms": round(seconds * 1e3, 1) for side, seconds in medians.items()}
    result = {"bench": "store", "rows": rows["full"], "batch": arguments.batch, **facts, "ratio": round(ratio, 3)}
    print(json.dumps({**result, "wanted": WANTED_RATIO, "rounds": arguments.rounds, "cores": os.cpu_count()}))
    return 0 if ratio <= WANTED_RATIO else 1


def _measure(folder: Path, arguments: argparse.Namespace) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of each append, by side, and rows of each side before the first."""
    random = np.random.default_rng(1)
    template, full = _open(folder / "template"), _open(folder / "full")
    started = time.perf_counter()
    with full.engine() as engine:
        make_up(engine, full.store.training, rows=arguments.rows, reviewer_id=REVIEWER, random=random)
    print(f"a store of {arguments.rows} rows was made up in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    rows = {"empty": template.rows(), "full": full.rows()}
    taken: dict[str, list[float]] = {"empty": [], "full": []}
    for number in range(arguments.rounds + 1):
        empty = Side(folder / f"empty-{number}")
        shutil.copytree(template.folder, empty.folder)
        products = [Product(title(random), _photo(random)) for _ in range(arguments.batch)]
        sides = [("empty", empty), ("full", full)]
        for name, side in sides if number % 2 else reversed(sides):
            side.stage(products)
            seconds = side.append(f"round {number}")
            if number:  # the first one warms up
                taken[name].append(seconds)
    assert full.rows() == rows["full"] + arguments.batch * (arguments.rounds + 1)
    return taken, rows


def _open(folder: Path) -> Side:
    """A side with tables, a reviewer and categories, and not a row."""
    folder.mkdir()
    shutil.copy(_TAXONOMY, folder / "taxonomy.csv")
    side = Side(folder)
    with side.engine() as engine:
        migrate(engine)
        with make_sessions(engine).begin() as session:
            session.add(UserAccount(id=REVIEWER, username="reviewer", password_hash="", role="reviewer"))
            session.add(UserAccount(id=SELLER, username="seller", password_hash="", role="customer"))
    return side


def _photo(random: np.random.Generator) -> SanitisedImage:
    coarse = random.integers(0, 256, (12, 12, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize((_PHOTO_SIDE, _PHOTO_SIDE), Image.Resampling.BICUBIC).save(out, "JPEG", quality=95)
    return sanitise(out.getvalue(), max_bytes=10**7, max_pixels=10**7)


def _new(product: Product) -> NewPrediction:
    return NewPrediction(
        owner_id=SELLER,
        idempotency_key=None,
        request_sha256="0" * 64,
        designation=product.title,
        description="Très bon état, envoi rapide et soigné.",
        image_sha256=product.photo.sha256,
        modality="text+image",
        language=Language.UNKNOWN,
        suggested_code=10,
        confidence=0.5,
        answer={"top_k": [[10, 0.5]], "experts": {}},
        model_name="fusion",
        model_version="f" * 64,
        epoch=1,
        taxonomy_version="bench",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=85_000, help="rows of the full store")
    parser.add_argument("--batch", type=int, default=100, help="rows of the append")
    parser.add_argument("--rounds", type=int, default=7, help="appends to each side")
    parser.add_argument("--folder", type=Path, help="where to build both, on a real disk; default: the system's")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
