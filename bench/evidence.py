"""Looking for labelled products like one in question among 85,000: the index, a question, and what predictions feel.

The store has real rows, and features as wide as MiniLM's, ResNet50's and appearance's, drawn about 27 centres; photos
are not written, because no search reads them. Predictions are answered by a small real model, which reads words and
appearance, in a service of its own: alone, while it builds its index, and while a reviewer asks for evidence again and
again; blocks of the first and the last alternate, so that other load falls on both. Ends in one line of JSON, and fails
when a figure is not shown.

    python -m bench.evidence [--rows 85000] [--questions 60] [--predictions 60]
"""

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from api.evidence.reading import read_on
from core.settings import StoreSettings
from core.store.manifests import append_segment
from core.store.rows import TrainingRow, encode_rows
from core.store.segments import BASE_SEGMENT, IMAGES, PRODUCTS, Segment, StoredFile
from core.store.shelf import Shelf
from inference.appearance import APPEARANCE_SHA
from inference.family import FEATURES
from inference.feature_cache import file_name
from inference.neighbours import Index
from tests.api.service import Etalon, empty_database
from tests.integration.api.packaged import TITLES

WIDTHS = {"text": 384, "image": 2048, "appearance": 3428}
ENCODERS = {"text": "a" * 64, "image": "b" * 64, "appearance": APPEARANCE_SHA}
CLASSES = 27
WANTED = {"search_cpu_ms": 100.0, "mb_an_encoder": 30.0, "recall": 0.8, "predict_ratio": 1.5}
_BLOCK = 4096


def main() -> int:
    """Measure; exit 1 when something wanted was not shown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=85_000)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--predictions", type=int, default=60)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="etalon-bench-") as folder:
        store = StoreSettings(root=Path(folder) / "var")
        write_store(store, asked.rows)
        index, built = build(store)
        figures = {"rows": asked.rows, "cores": psutil.cpu_count(), "load": psutil.getloadavg()[0], **built}
        figures |= search(store, index, asked.questions)
        figures |= disturb(Path(folder) / "service", store, asked.predictions)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    return 1 if missed(figures) else 0


def missed(figures: dict[str, float]) -> list[str]:
    """What was wanted and not shown."""
    least = {"recall"}
    found = [name for name, bar in WANTED.items() if (figures[name] < bar) == (name in least)]
    for name in found:
        print(f"{name}: wanted {WANTED[name]}, measured {figures[name]:.3f}", file=sys.stderr)
    return found


# --- the store ------------------------------------------------------------------------------------------------------


def write_store(store: StoreSettings, rows: int) -> None:
    """A base segment of ``rows`` labelled products, 70 % of them to learn from, and its features."""
    data = b"".join(encode_rows(a_row(at) for at in range(rows)))
    path = store.training / "segments" / BASE_SEGMENT / PRODUCTS
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    products = StoredFile(hashlib.sha256(data).hexdigest(), len(data), rows)
    segment = Segment(BASE_SEGMENT, rows, {PRODUCTS: products, IMAGES: StoredFile("0" * 64, 0, rows)})
    append_segment(store.training, segment, taxonomy_version="bench")
    for feature, sha in ENCODERS.items():
        folder = store.features / sha
        folder.mkdir(parents=True)
        write_features(folder / file_name(FEATURES[feature], segment), rows, WIDTHS[feature])


def a_row(at: int) -> TrainingRow:
    """A product with a description as long as the challenge's are on average."""
    split = ("train",) * 7 + ("validation",) + ("holdout",) * 2
    text = f"<p>Un produit, {at}, décrit &quot;comme il se doit&quot;.</p>\n" * 10
    return TrainingRow(f"p{at}", "", f"Produit {at}", text, 10 + at % CLASSES, "f" * 64, "base", split[at % 10],
                       f"c{at}", "", "", "")  # fmt: skip


def write_features(path: Path, rows: int, width: int) -> None:
    """Centres and noise of 40 dimensions, which the width only spreads out, as features of real encoders are."""
    random = np.random.default_rng(width)
    spread = random.standard_normal((40, width), np.float32)
    centres = random.standard_normal((CLASSES, 40), np.float32)
    stored = np.lib.format.open_memmap(path, "w+", np.float16, (rows, width))
    for start in range(0, rows, _BLOCK):
        codes = np.arange(start, min(start + _BLOCK, rows)) % CLASSES
        latent = centres[codes] + 0.8 * random.standard_normal((len(codes), 40), np.float32)
        stored[start : start + len(codes)] = 6.0 + latent @ spread / np.float32(np.sqrt(40))
    stored.flush()


# --- the index and a question ---------------------------------------------------------------------------------------


def build(store: StoreSettings) -> tuple[Index, dict[str, float]]:
    """Read the store as the service's thread does, without its rests."""
    process, shelf = psutil.Process(), Shelf(store.training)
    view = shelf.view()
    assert view is not None
    began = time.perf_counter()
    bare = read_on(None, {}, view, shelf=shelf, features=store.features, rest=lambda worked_s: None)
    rows_s, held = time.perf_counter() - began, process.memory_info().rss
    cpu = sum(process.cpu_times()[:2])
    index = read_on(None, ENCODERS, view, shelf=shelf, features=store.features, rest=lambda worked_s: None)
    cpu = sum(process.cpu_times()[:2]) - cpu
    held_by_arrays = sum(vectors.nbytes for piece in index.pieces.values() for vectors in piece.vectors.values())
    return index, {
        "searched": index.searched(ENCODERS),
        "rows_s": rows_s,
        "features_cpu_s": cpu,
        "mb_an_encoder": held_by_arrays / len(ENCODERS) / 2**20,
        "grown_mb": (process.memory_info().rss - held) / 2**20,
        "without_features": bare.rows,
    }


def search(store: StoreSettings, index: Index, questions: int) -> dict[str, float]:
    """How long a question takes without its encoders, and how many of the true nearest six it finds."""
    shelf = Shelf(store.training)
    view = shelf.view()
    assert view is not None
    piece = index.pieces[BASE_SEGMENT]
    stored = {feature: np.load(path, mmap_mode="r") for feature, path in piece.files.items()}
    whole = {feature: _whole(index, feature, stored[feature], piece.places[:20_000]) for feature in stored}
    took, used, hits = [], [], 0
    for number in range(questions):
        row = piece.length - 1 - 10 * number  # of the hold-out: no copy of it is there
        asked = {feature: np.asarray(one[row : row + 1]) for feature, one in stored.items()}
        began, used_before = time.perf_counter(), time.process_time()
        found = index.nearest(asked, 96, view)
        took.append(time.perf_counter() - began)
        used.append(time.process_time() - used_before)
        six = [one for one in found if one.address.row <= piece.places[19_999]]
        hits += _recall(index, asked, whole, piece.places, {one.address.row for one in six}, found[5].similarity)
    middle = statistics.median
    return {"search_ms": 1000 * middle(took), "search_cpu_ms": 1000 * middle(used), "recall": hits / questions}


def _whole(index: Index, feature: str, stored: NDArray[np.float16], places: NDArray[np.intp]) -> NDArray[np.float32]:
    return np.concatenate(
        [index.spaces[feature].centred(stored[places[at : at + 1000]]) for at in range(0, len(places), 1000)]
    )


def _recall(
    index: Index,
    asked: dict[str, NDArray[np.float16]],
    whole: dict[str, NDArray[np.float32]],
    places: NDArray[np.intp],
    found: set[int],
    sixth: float,
) -> float:
    """Of the first 20,000 rows, the share of those at least as alike as the sixth found that were found."""
    cosines = {feature: rows @ index.spaces[feature].centred(asked[feature])[0] for feature, rows in whole.items()}
    scores = (cosines["text"] + (cosines["image"] + cosines["appearance"]) / 2) / 2
    better = {int(place) for place in places[: len(scores)][scores >= sixth]}
    return len(better & found) / len(better) if better else 1.0


# --- predictions beside it ------------------------------------------------------------------------------------------


def disturb(folder: Path, store: StoreSettings, predictions: int) -> dict[str, float]:
    """Median milliseconds of a prediction, one after the other: alone, while the index is built, beside questions."""
    folder.mkdir()
    photo = _photo()
    with Etalon(folder, empty_database(folder), photo) as etalon:
        seller, reviewer = etalon.hire("customer"), etalon.hire("reviewer")
        asked = etalon.predict(seller)
        _time(lambda: etalon.predict(seller, TITLES[0]), 10)
        etalon.store.training.symlink_to(store.training, target_is_directory=True)
        etalon.store.features.symlink_to(store.features, target_is_directory=True)
        building = _time(lambda: etalon.predict(seller, TITLES[0]), predictions)
        path = f"/predictions/{asked}/evidence"
        while not etalon.http.get(path, headers=reviewer.headers).json()["searched"]:
            time.sleep(0.2)
        alone, beside, asks = [], [], []
        for _ in range(4):
            alone += _time(lambda: etalon.predict(seller, TITLES[0]), predictions // 4)
            with _Asker(lambda: etalon.http.get(path, headers=reviewer.headers)) as asker:
                beside += _time(lambda: etalon.predict(seller, TITLES[0]), predictions // 4)
            asks += asker.took
    middle = statistics.median
    return {
        "predict_ms": middle(alone),
        "predict_ms_while_building": middle(building),
        "predict_ms_beside_questions": middle(beside),
        "predict_ratio": middle(beside) / middle(alone),
        "question_ms": middle(asks),
        "questions": len(asks),
    }


class _Asker:
    """Asks, waits as long as nobody does between two products, and asks again, until the block ends."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self._ask, self._ends, self.took = ask, threading.Event(), list[float]()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "_Asker":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ends.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._ends.wait(0.1):
            self.took += _time(self._ask, 1)


def _time(act: Callable[[], object], times: int) -> list[float]:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - began))
    return took


def _photo() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    pixels = np.random.default_rng(1).integers(0, 255, (50, 50, 3), np.uint8)
    Image.fromarray(pixels).resize((500, 500)).save(out, "JPEG")
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
