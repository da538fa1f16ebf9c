"""How often the watch over the answers alarms about nothing, and how soon it sees what is wrong.

    python -m bench.watch [--data CATALOGUE] [--trials 1000] [--only accuracy,calibration,text,images]

Verdicts are simulated; texts and photos are those of a catalogue in the challenge's layout (without ``--data``, the
sample catalogue is drawn). Everything is seeded. Prints a line a case and writes ``bench/results/watch.json``.
"""

import argparse
import csv
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from core.domain.watch import Finding
from local.sample.__main__ import main as draw_sample
from preprocessing.images import sanitise
from preprocessing.language import language_of
from training.watch import accuracy, confidence, drift, features

VERDICTS, WINDOW, LEVEL = 200, 200, 0.01
RESULTS = Path(__file__).parent / "results" / "watch.json"
NOTHING_ELSE = [0] * 10
Case = dict[str, Any]
Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def main() -> int:
    """Run the cases; 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.watch", description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--only", default="accuracy,calibration,text,images")
    asked = parser.parse_args()
    found = {}
    for kind in asked.only.split(","):
        started = time.monotonic()
        found[kind] = [_shown(kind, case) for case in STUDIES[kind](asked.trials, asked.data)]
        print(f"{kind}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(kept | found, indent=1) + "\n")
    return 0


def _shown(kind: str, case: Case) -> Case:
    print(
        kind,
        *(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in case.items()),
    )
    return case


# --- accuracy -------------------------------------------------------------------------------------------------------


def study_accuracy(trials: int, data: Path | None) -> Iterator[Case]:
    """One look at a steady model; a look after every tenth verdict for 2,000 verdicts; and a drop in the middle."""
    random = np.random.default_rng(1)
    for true in (0.65, 0.68, 0.70, 0.72, 0.75, 0.80):
        alarms = np.mean([_alarms(*_judged(random, VERDICTS, true)) for _ in range(trials)])
        yield {"case": "one look", "true": true, "alarms": float(alarms)}
    for true in (0.72, 0.75, 0.78, 0.80, 0.85):
        runs = [_first_alarm(*_judged(random, 2000, true), start=VERDICTS) for _ in range(trials // 5)]
        yield {
            "case": "200 looks at 2,000 verdicts",
            "true": true,
            "alarms": float(np.mean([r is not None for r in runs])),
        }
    for low in (0.65, 0.60, 0.50, 0.40, 0.20):
        delays = [_delay(random, 0.85, low) for _ in range(trials // 5)]
        seen = [one for one in delays if one is not None]
        yield {
            "case": "drop from 0.85",
            "true": low,
            "seen within 400 verdicts": len(seen) / len(delays),
            "median verdicts until seen": float(np.median(seen)) if seen else None,
        }


def _judged(random: np.random.Generator, rows: int, true: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    return random.beta(4, 1.5, rows), random.random(rows) < true


def _alarms(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> bool:
    """One look, the newest verdict last."""
    few = VERDICTS // accuracy.SHORTER
    looks = [accuracy.estimate(confidences[-n:], right[-n:], NOTHING_ELSE) for n in (VERDICTS, few)]
    return accuracy.finding(looks, 0.70) is Finding.ALARM


def _first_alarm(confidences: NDArray[np.float64], right: NDArray[np.bool_], start: int) -> int | None:
    looks = range(start, len(right) + 1, 10)
    return next((n for n in looks if _alarms(confidences[:n], right[:n])), None)


def _delay(random: np.random.Generator, before: float, after: float) -> int | None:
    old, new = _judged(random, VERDICTS, before), _judged(random, 400, after)
    found = _first_alarm(*(np.concatenate(pair) for pair in zip(old, new, strict=True)), start=VERDICTS + 10)
    return found - VERDICTS if found is not None else None


# --- calibration ----------------------------------------------------------------------------------------------------


def _flatter(by: float) -> Change:
    return lambda said: 1 / (1 + ((1 - said) / said) ** by)


CHANCES: dict[str, Change] = {
    "honest": lambda said: said,
    "right 5 points less": lambda said: np.clip(said - 0.05, 0, 1),
    "right 10 points less": lambda said: np.clip(said - 0.10, 0, 1),
    "right 15 points less": lambda said: np.clip(said - 0.15, 0, 1),
    "right 10 points more": lambda said: np.clip(said + 0.10, 0, 1),
    "odds to the power 0.6": _flatter(0.6),
    "odds to the power 0.4": _flatter(0.4),
    "above 0.9 right 25 points less": lambda said: np.where(said > 0.9, said - 0.25, said),
}


def study_calibration(trials: int, data: Path | None) -> Iterator[Case]:
    """Confidences as a good model's, and as an uncertain queue's."""
    random = np.random.default_rng(2)
    for judged, (a, b) in {"all": (4.0, 1.3), "uncertain first": (3.0, 3.0)}.items():
        for name, change in CHANCES.items():
            findings, tests = [], []
            for _ in range(trials):
                said = np.clip(random.beta(a, b, VERDICTS), 0.01, 0.99)
                found = confidence.honesty(said, random.random(VERDICTS) < change(said))
                findings.append(found.finding(LEVEL) is Finding.ALARM)
                tests.append(found.chance <= LEVEL)
            yield {
                "judged": judged,
                "case": name,
                "p <= 0.01": float(np.mean(tests)),
                "alarms": float(np.mean(findings)),
            }


# --- drift ----------------------------------------------------------------------------------------------------------


def study_texts(trials: int, data: Path | None) -> Iterator[Case]:
    """Products of one catalogue against others of it, and against windows of which a share is changed."""
    with _catalogue(data) as folder:
        titles = [(row["designation"], row["description"]) for row in _products(folder)]
    pool = features.of_texts(titles)
    languages = np.array([language_of(" ".join(filter(None, one))) for one in titles])
    other = languages != max(set(languages), key=list(languages).count)
    changes = {
        "upper case": features.of_texts([(title.upper(), body.upper()) for title, body in titles]),
        "no description": features.of_texts([(title, "") for title, _ in titles]),
        "broken accents": features.of_texts([(_broken(title), _broken(body)) for title, body in titles]),
    }
    yield from _nothing_changed(pool, trials)
    for name, changed in changes.items():
        yield from _some_changed(pool, changed, name, trials // 5)
    yield from _one_kind(pool, other, "another language", trials // 5)


def _broken(text: str) -> str:
    return text.encode("utf-8").decode("latin-1")


def study_images(trials: int, data: Path | None) -> Iterator[Case]:
    """Likewise, photos."""
    with _catalogue(data) as folder:
        photos = [_photo(folder, row) for row in _products(folder)[:900]]
    pool = _described(photos)
    changes: dict[str, Callable[[Image.Image], Image.Image]] = {
        "half as bright": lambda image: image.point(lambda value: value // 2),
        "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(image.width / 40)),
        "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
        "grey": lambda image: image.convert("L").convert("RGB"),
    }
    yield from _nothing_changed(pool, trials)
    for name, change in changes.items():
        yield from _some_changed(pool, _described([change(photo) for photo in photos]), name, trials // 5)


def _described(photos: Sequence[Image.Image]) -> NDArray[np.float32]:
    described = []
    for photo in photos:
        out = io.BytesIO()
        photo.save(out, "JPEG", quality=95)
        described.append(features.of_photo(sanitise(out.getvalue(), max_bytes=10**8, max_pixels=10**8).data))
    return np.array(described)


def _nothing_changed(pool: NDArray[np.float32], trials: int) -> Iterator[Case]:
    random, found = np.random.default_rng(3), []
    for _ in range(trials):
        rows = random.permutation(len(pool))[: 2 * WINDOW]
        found.append(drift.compare(pool[rows[:WINDOW]], pool[rows[WINDOW:]]))
    effects = [one.effect for one in found]
    yield {"case": "nothing changed", **_rates(found), "highest effect": float(max(effects))}


def _some_changed(pool: NDArray[np.float32], changed: NDArray[np.float32], name: str, trials: int) -> Iterator[Case]:
    random = np.random.default_rng(4)
    for share in (0.1, 0.2, 0.3, 0.5, 1.0):
        found = []
        for _ in range(trials):
            rows = random.permutation(len(pool))[: 2 * WINDOW]
            old, new = rows[:WINDOW], rows[WINDOW:]
            some = int(share * WINDOW)
            found.append(drift.compare(pool[old], np.vstack([changed[new[:some]], pool[new[some:]]])))
        yield {"case": name, "share": share, **_rates(found), "effect": float(np.median([one.effect for one in found]))}


def _one_kind(pool: NDArray[np.float32], kind: NDArray[np.bool_], name: str, trials: int) -> Iterator[Case]:
    """Windows with more products of a kind than the catalogue has, whose share of it is ``kind``'s."""
    random, usual = np.random.default_rng(5), float(kind.mean())
    for more in (0.1, 0.2, 0.3, 0.5):
        found = []
        for _ in range(trials):
            rows = random.permutation(len(pool))
            old, rest = rows[:WINDOW], rows[WINDOW:]
            some = int(min(1.0, usual + more) * WINDOW)
            new = np.concatenate([rest[kind[rest]][:some], rest[~kind[rest]][: WINDOW - some]])
            found.append(drift.compare(pool[old], pool[new]))
        case = {"case": f"{name}, {usual:.0%} before", "more": more}
        yield {**case, **_rates(found), "effect": float(np.median([one.effect for one in found]))}


def _rates(found: Sequence[drift.Drift]) -> Case:
    alarms = [one.finding(LEVEL) is Finding.ALARM for one in found]
    return {"p <= 0.01": float(np.mean([one.chance <= LEVEL for one in found])), "alarms": float(np.mean(alarms))}


class _catalogue:  # noqa: N801 - reads as what it opens
    """The catalogue that was named, or the sample, drawn for as long as it is looked at."""

    def __init__(self, named: Path | None) -> None:
        self._named, self._drawn = named, tempfile.TemporaryDirectory()

    def __enter__(self) -> Path:
        if self._named is None:
            draw_sample(["--out", f"{self._drawn.name}/catalogue", "--train", "1600", "--incoming", "1"])
        return self._named or Path(self._drawn.name) / "catalogue"

    def __exit__(self, *raised: object) -> None:
        self._drawn.cleanup()


def _products(folder: Path) -> list[dict[str, str]]:
    with (folder / "X_train_update.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))[:1600]


def _photo(folder: Path, row: dict[str, str]) -> Image.Image:
    path = folder / "images" / "image_train" / f"image_{row['imageid']}_product_{row['productid']}.jpg"
    return Image.open(path).convert("RGB")


STUDIES = {
    "accuracy": study_accuracy,
    "calibration": study_calibration,
    "text": study_texts,
    "images": study_images,
}

if __name__ == "__main__":
    sys.exit(main())
