"""What each choice about text is worth: the product's text experts with it and with its alternative, out of fold.

For every alternative the labelled texts of a catalogue are read that way, the lexical expert, BERT's head and the
blend of both are trained by the product's own functions, and the weighted F1 of their answers to rows they have not
learnt from is compared with the product's own way on the same rows and parts. Intervals are paired: 95 % over the
same draws of clusters. No row of a test file is read. Every text is embedded once (minutes); ends in one line of JSON.

    python -m bench.text_choices --data FOLDER [--seeds 0 1] [--only WORD ...] [--packages DIR] [--cache FILE]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tokenizers import Tokenizer

from bench.text_readings import ALTERNATIVES, OWN, Reading
from core.settings import ModelSettings
from inference.encoders import TOKENIZER, EncoderPool
from inference.fusion import log_softmax
from inference.fusion_model import Inputs
from preprocessing.catalogue import Catalogue
from preprocessing.text import normalised
from training.config import FusionConfig
from training.encoders import build_text_encoder
from training.evaluate import weighted_f1
from training.family import fit_expert
from training.fusion import fit_temperature, fit_weights
from training.learning_rows import LearningRows, TrainingData
from training.resampling import f1_draws, interval

CONFIG = Path(__file__).resolve().parents[1] / "training" / "config.toml"
RESULTS = Path("bench/results")
COLUMNS = ("lexical", "bert", "both")
_HEAD_TOKENS = 62  # of 64, beside the two special ones


@dataclass
class Embedder:
    """BERT's features of texts, each computed once and kept in a file.

    Attributes:
        packages: where encoders are packaged.
        file: the ``.npz`` with what is known.
        known: ``(width,)`` float16 by ``cut`` and text.
    """

    packages: Path
    file: Path
    known: dict[str, NDArray[np.float16]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file.is_file():
            with np.load(self.file, allow_pickle=False) as kept:
                self.known = dict(zip(kept["texts"].tolist(), kept["features"], strict=True))

    def features(self, texts: Sequence[str], cut: str) -> NDArray[np.float16]:
        """``(n, width)`` float16 of texts read by ``cut``."""
        package = build_text_encoder(ModelSettings(), self.packages, max_tokens=128 if cut == "128" else 64)
        if cut == "head":
            texts = _heads(texts, package.file(TOKENIZER).read_bytes())
        keys = [f"{package.sha} {text}" for text in texts]
        missing = sorted({key for key in keys if key not in self.known})
        if missing:
            asked = [key.partition(" ")[2] for key in missing]
            read = EncoderPool(self.packages).text(package.sha).features(asked)
            self.known |= dict(zip(missing, read, strict=True))
            self.file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(self.file, texts=np.array(list(self.known)), features=np.stack(list(self.known.values())))
        return np.stack([self.known[key] for key in keys])


def _heads(texts: Sequence[str], tokenizer_json: bytes) -> list[str]:
    """Each text up to the end of its last token that a reader of heads alone would see."""
    tokenizer = Tokenizer.from_buffer(tokenizer_json)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    read = tokenizer.encode_batch(list(texts), add_special_tokens=False)
    return [
        text if len(one) <= _HEAD_TOKENS else text[: one.offsets[_HEAD_TOKENS - 1][1]]
        for text, one in zip(texts, read, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Products:
    """The labelled products of a catalogue: titles, descriptions, codes, and the clusters of those that read alike."""

    titles: list[str]
    descriptions: list[str]
    codes: NDArray[np.int64]
    clusters: list[str]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Products":
        """Read them; products without a text are left out."""
        items = [item for item in catalogue.labelled() if OWN.read(item.designation, item.description or "")]
        titles, descriptions = [one.designation for one in items], [one.description or "" for one in items]
        alike = [
            normalised(title, body) or f"#{at}"
            for at, (title, body) in enumerate(zip(titles, descriptions, strict=True))
        ]
        return cls(titles, descriptions, np.array([one.prdtypecode for one in items], np.int64), alike)

    def learning(self, reading: Reading, embedder: Embedder, config: FusionConfig) -> LearningRows:
        """The rows as the experts see them when texts are read by ``reading``."""
        texts = [reading.read(*pair) for pair in zip(self.titles, self.descriptions, strict=True)]
        features = {"text": embedder.features(texts, reading.cut)} if reading.cut else {}
        has_text, no_image = np.ones(len(texts), bool), np.zeros(len(texts), bool)
        codes = tuple(int(code) for code in np.unique(self.codes))
        data = TrainingData(
            Inputs(features, texts, has_text, no_image), self.codes, ["train"] * len(texts), self.clusters, codes
        )
        return LearningRows.choose(data, folds=config.folds, seed=config.seed)


def answers(products: Products, reading: Reading, embedder: Embedder, config: FusionConfig) -> dict[str, Any]:
    """Out-of-fold answers ``(n,)`` of ``lexical`` and, where BERT can notice, ``bert`` and ``both``."""
    rows = products.learning(reading, embedder, config)
    if reading.lexical is not None:
        config = replace(config, experts={**config.experts, "lexical": reading.lexical(config.experts["lexical"])})
    said = {}
    for name in ("lexical", "bert") if reading.cut else ("lexical",):
        expert = fit_expert(name, rows, config)
        temperature = fit_temperature(expert.unseen, rows.labels)
        said[name] = np.maximum(log_softmax(expert.unseen / temperature), config.fusion.floor)
    if reading.cut:
        said["both"] = _crossed(np.stack([said["bert"], said["lexical"]], axis=1), rows, config.fusion.prior_rows)
    return {name: logs.argmax(axis=1) for name, logs in said.items()}


def _crossed(stack: NDArray[np.float64], rows: LearningRows, prior_rows: float) -> NDArray[np.float64]:
    """The blend's scores of each part, by weights fitted on the others."""
    scores = np.zeros((len(stack), rows.classes))
    for part in range(rows.folds):
        own = rows.parts == part
        weight, bias = fit_weights(stack[~own], rows.labels[~own], prior_rows=prior_rows)
        scores[own] = np.einsum("nec,ec->nc", stack[own], weight) + bias
    return scores


@dataclass(frozen=True, slots=True)
class Scored:
    """Weighted F1 of one reading, mean over seeds: as observed, and ``(draws,)`` in the draws that all share."""

    observed: float
    drawn: NDArray[np.float64]

    @classmethod
    def of(cls, labels: NDArray[np.intp], answers_by_seed: Sequence[NDArray[np.intp]], clusters: list[str]) -> "Scored":
        """Score each seed's answers on the same rows and draws."""
        classes = int(labels.max()) + 1
        drawn = [f1_draws(labels, each, clusters, classes=classes)[0] for each in answers_by_seed]
        observed = [weighted_f1(labels, each) for each in answers_by_seed]
        return cls(float(np.mean(observed)), np.mean(drawn, axis=0))

    def minus(self, other: "Scored") -> list[float]:
        """The difference as observed, and its interval."""
        return [self.observed - other.observed, *interval(self.drawn - other.drawn)]


def measure(
    products: Products, readings: Sequence[Reading], embedder: Embedder, seeds: Sequence[int]
) -> list[dict[str, Any]]:
    """A line of the table for each reading, printed as soon as it is known; the first is the product's own."""
    config = FusionConfig.load(CONFIG)
    labels = np.unique(products.codes, return_inverse=True)[1]
    own: dict[str, Scored] = {}
    table = []
    for reading in readings:
        by_seed = [answers(products, reading, embedder, replace(config, seed=seed)) for seed in seeds]
        scored = {name: Scored.of(labels, [each[name] for each in by_seed], products.clusters) for name in by_seed[0]}
        difference = {name: one.minus(own[name]) for name, one in scored.items()} if own else {}
        own = own or scored
        observed = {name: one.observed for name, one in scored.items()}
        line = {"about": reading.about, "reading": reading.name, "weighted_f1": observed, "difference": difference}
        table.append(line)
        print(_text(line), flush=True)
    return table


def _text(line: dict[str, Any]) -> str:
    def cell(name: str) -> str:
        if name in line["difference"]:
            return "{:+.1f} [{:.1f}, {:.1f}]".format(*(100 * value for value in line["difference"][name]))
        return f"{line['weighted_f1'][name]:.3f}" if name in line["weighted_f1"] else "·"

    cells = "".join(f"{cell(name):>20}" for name in COLUMNS)
    return f"{line['about']:<16}{line['reading']:<46}{cells}"


def main() -> int:
    """Print the table and a JSON line."""
    arguments = _arguments()
    products = Products.of(Catalogue(arguments.data))
    wanted = [one for one in ALTERNATIVES if any(word in f"{one.about}: {one.name}" for word in arguments.only)]
    print(f"{len(products.titles)} labelled texts, {len(set(products.clusters))} different; seeds {arguments.seeds}")
    print(f"{'':<62}" + "".join(f"{name:>20}" for name in COLUMNS))
    with threadpool_limits(limits=1, user_api="blas"):
        table = measure(products, [OWN, *wanted], Embedder(arguments.packages, arguments.cache), arguments.seeds)
    print(json.dumps({"bench": "text_choices", "rows": len(products.titles), "seeds": arguments.seeds, "table": table}))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="a catalogue in the challenge's layout")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="of parts and heads; scores are means")
    parser.add_argument("--only", nargs="+", default=[""], help="alternatives whose line contains one of these words")
    parser.add_argument("--packages", type=Path, default=RESULTS / "packages", help="encoders, kept between runs")
    parser.add_argument("--cache", type=Path, default=RESULTS / "texts.npz", help="BERT's features, kept between runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
