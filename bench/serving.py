"""One prediction's features in this process: our encoders against the same networks through Keras ``model.predict``.

Both read the same cleaned text (64 tokens) and the same photo tensor; each side tokenises and encodes one product
at a time. Blocks alternate, so that other load on the machine falls on both. With ``--model`` a whole answer of a
packaged model is timed too: JPEG decoding, both encoders, every expert, fusion. Ends in one line of JSON, and fails
when our encoders are not at least 2.5 times as fast.

    python -m bench.serving [--rounds 60] [--packages DIR] [--threads N] [--model SHA]
"""

import argparse
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from core.domain.product import Product
from core.settings import ModelSettings
from inference.encoders import TOKENIZER, EncoderPool
from inference.model import ServedModel
from inference.tokens import TokenReader, pad
from preprocessing.images import sanitise
from preprocessing.spec import PreprocessingSpec
from preprocessing.text import compose
from training.encoders import build_image_encoder, build_text_encoder
from training.encoders.bert import load_bert
from training.encoders.images import build_network
from training.encoders.sources import find_image_source, find_text_source

WANTED_RATIO = 2.5
BLOCK = 10
TEXT = compose("Console de jeux vidéo portable", "Édition limitée, boîte d'origine, deux manettes et douze jeux. " * 6)
PHOTO = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)

Call = Callable[[], object]


def main() -> int:
    """Measure, print a table and a JSON line; 1 when the wanted ratio is missed."""
    arguments = _arguments()
    pool = EncoderPool(arguments.packages, arguments.threads)
    ours, theirs = _served_parts(arguments.packages, pool), _keras_parts(arguments.packages)
    whole = _whole_answer(arguments.packages, arguments.model, pool) if arguments.model else {}
    medians = _alternate({**ours, **whole, **theirs}, arguments.rounds)
    ratio = medians["keras text+image"] / medians["served text+image"]
    for name, seconds in medians.items():
        print(f"{name:<20} {seconds * 1e3:8.1f} ms")
    print(f"{'ratio':<20} {ratio:8.2f} ×  (wanted: {WANTED_RATIO})")
    facts = {name.replace(" ", "_") + "_ms": round(seconds * 1e3, 2) for name, seconds in medians.items()}
    result = {"bench": "serving", **facts, "ratio": round(ratio, 3), "wanted": WANTED_RATIO, "rounds": arguments.rounds}
    print(json.dumps({**result, "cores": os.cpu_count(), "relative_difference": round(_difference(ours, theirs), 6)}))
    return 0 if ratio >= WANTED_RATIO else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="timed calls of each kind")
    parser.add_argument("--packages", type=Path, default=Path("bench/results/packages"), help="kept between runs")
    parser.add_argument("--threads", type=int, default=0, help="of the served encoders; 0 for all cores")
    parser.add_argument("--model", help="sha of a packaged model in the same folder")
    return parser.parse_args()


def _whole_answer(packages: Path, sha: str, pool: EncoderPool) -> dict[str, Call]:
    png = io.BytesIO()
    Image.fromarray(PHOTO[0]).save(png, "PNG")
    photo = sanitise(png.getvalue(), max_bytes=10**7, max_pixels=10**7).data
    model = ServedModel.load(packages, sha, encoders=pool)
    return {"served answer": lambda: model.predict([Product(TEXT, None, photo)])}


def _served_parts(packages: Path, pool: EncoderPool) -> dict[str, Call]:
    text = pool.text(build_text_encoder(ModelSettings(), packages).sha)
    image = pool.image(build_image_encoder(ModelSettings(), packages).sha)
    return _parts("served", lambda: text.features([TEXT]), lambda: image.features(PHOTO))


def _keras_parts(packages: Path) -> dict[str, Call]:
    limit = PreprocessingSpec().max_tokens
    tokenizer = build_text_encoder(ModelSettings(), packages).file(TOKENIZER).read_bytes()
    reader = TokenReader(tokenizer, limit)
    bert, _, _ = load_bert(find_text_source(ModelSettings().text_encoder).path, limit)
    resnet = build_network("resnet50", find_image_source(ModelSettings().image_weights))

    def predict_text() -> object:
        ids, mask = pad(reader.read([TEXT]), limit)
        return bert.predict({"ids": ids, "mask": mask}, verbose=0)

    return _parts("keras", predict_text, lambda: resnet.predict({"images": PHOTO}, verbose=0))


def _parts(name: str, text: Call, image: Call) -> dict[str, Call]:
    return {f"{name} text": text, f"{name} image": image, f"{name} text+image": lambda: (text(), image())}


def _alternate(calls: dict[str, Call], rounds: int) -> dict[str, float]:
    """Return each call's median duration in seconds, measured in alternating blocks after a warm-up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(3):
            call()
    while min(map(len, taken.values())) < rounds:
        for name, call in calls.items():
            for _ in range(BLOCK):
                started = time.perf_counter()
                call()
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(durations) for name, durations in taken.items()}


def _difference(ours: dict[str, Call], theirs: dict[str, Call]) -> float:
    """Return the largest difference over the largest feature; float16 alone makes about 2e-4."""
    pairs = zip(ours["served text+image"](), theirs["keras text+image"](), strict=True)
    return max(
        float(np.abs(np.asarray(served, np.float32) - keras).max() / np.abs(keras).max()) for served, keras in pairs
    )


if __name__ == "__main__":
    sys.exit(main())
