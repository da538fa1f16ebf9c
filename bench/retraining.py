"""Retraining after 10, 100 and 1,000 new labels on stores of 1k, 10k and 85k products, against training on everything.

Timed is what the `retrain` DAG runs, job by job in one process: append the claimed rows, embed them, fit, package,
judge against the champion (bootstrap, disturbed products, tracking). The new products are real and really embedded;
the base's features are SYNTHETIC, drawn in the real cache layout (`bench.growth`), so the scores mean nothing here.
Training on everything is every row embedded once and one epoch of full fine-tuning, measured on a sample of real
steps and scaled by rows (`bench.full_training`). `processor` is processor time of this process, which other load on
the machine changes little.

    python -m bench.retraining [--rows 1000 10000 85000] [--labels 10 100 1000] [--folder DIR]
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient

from bench.full_training import step_seconds_per_row
from bench.growth import Maker, make_base
from bench.tables import print_table, publish, say
from core.db.migrate import migrate
from core.db.models import UserAccount
from core.db.repositories import predictions, verdicts
from core.db.repositories.predictions import NewPrediction
from core.db.session import make_engine
from core.domain.language import Language
from core.domain.review import VALIDATE
from core.domain.taxonomy import Taxonomy
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from inference.family import open_encoder
from preprocessing.images import ImageFolder
from preprocessing.ingest.append import append
from training.jobs import chains, judgement, learn, release
from training.jobs.workplace import MODEL, Workplace

PROJECT = Path(__file__).resolve().parents[1]
TAXONOMY = PROJECT / "data" / "taxonomy.csv"
REVIEWER = "01900000-0000-7000-8000-ffffffffffff"
SELLER = "01900000-0000-7000-8000-fffffffffffe"
WANTED_SECONDS, WANTED_TIMES = 150, 100
STAGES = ("append", "features", "fit", "package", "judge")


def main() -> int:
    """Measure, print tables and a JSON line; 1 when a wanted figure is missed."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="etalon-bench-") as name:
        root = Path(name)
        stores = [_measure(root, rows, arguments.labels) for rows in arguments.rows]
    say("training on everything: real optimiser steps on a sample")
    step = step_seconds_per_row(ModelSettings())
    embedding = stores[-1]["retrainings"][-1]["embed_seconds_per_row"]
    for store in stores:
        store["everything_seconds"] = round(store["rows"] * (embedding + sum(step.values())), 1)
        for one in store["retrainings"]:
            one["times_cheaper"] = round(store["everything_seconds"] / one["seconds"], 1)
    _print(stores)
    last = stores[-1]["retrainings"][-1]
    words = f"{last['labels']} labels on {stores[-1]['rows']} rows"
    facts = {"features": "synthetic for the base, real for new rows", "stores": stores}
    facts |= {"step_seconds_per_row": step, "embed_seconds_per_row": embedding}
    wanted = {
        f"{words}: at most {WANTED_SECONDS} s": last["seconds"] <= WANTED_SECONDS,
        f"{words}: at least {WANTED_TIMES} times cheaper than everything": last["times_cheaper"] >= WANTED_TIMES,
    }
    return publish("retraining", facts, wanted)


def _measure(root: Path, rows: int, labels: Sequence[int]) -> dict[str, Any]:
    """One store: its champion from nothing, then one retraining for each number of new labels."""
    folder = root / f"store-{rows}"
    folder.mkdir()
    with _workplace(folder, root / "packages") as workplace:
        maker = Maker.of(workplace.taxonomy, seed=rows)
        shas = workplace.encoders(workplace.recipe(MODEL).features)
        encoders = {feature: open_encoder(feature, sha, workplace.pool) for feature, sha in shas.items()}
        say(f"{rows} rows: making them up")
        make_base(workplace.store, maker, encoders, rows)
        say(f"{rows} rows: the first champion, from nothing")
        started = time.perf_counter()
        champion = chains.first(workplace, manifest=None, run_key="first")
        assert champion["epoch"] == 1, champion
        first = round(time.perf_counter() - started, 1)
        retrainings = [_retrain(workplace, maker, count) for count in labels]
    shutil.rmtree(folder)
    return {"rows": rows, "first_seconds": first, "retrainings": retrainings}


def _retrain(workplace: Workplace, maker: Maker, labels: int) -> dict[str, Any]:
    _stage(workplace, maker, labels)
    processor = time.process_time()
    key = f"after {labels}"
    seconds = dict.fromkeys(STAGES, 0.0)
    with _timed(seconds, "append"):
        done = append(workplace.sessions, workplace.store, run_key=key)
    assert done is not None
    with _timed(seconds, "features"):
        embedded = learn.embed(workplace, manifest=None)
    with _timed(seconds, "fit"):
        fitted = learn.fit(workplace, manifest=embedded["manifest"], run_key=key)
    seconds["package"] = fitted["stages"]["package"]
    seconds["fit"] = seconds["fit"] - seconds["package"]
    with _timed(seconds, "judge"):
        judged = judgement.judge(workplace, package=fitted["package"], manifest=fitted["manifest"], run_key=key)
    processor = time.process_time() - processor
    promoted = release.promote(workplace, package=fitted["package"], run_key=key)
    training = learn.training_of(workplace, package=fitted["package"], run_key=key)
    whole = round(sum(seconds.values()), 1)
    say(f"  after {labels} labels: {whole} s, of processor {processor:.0f} s, {judged['decision']}; {seconds}")
    return {
        "labels": labels,
        "seconds": whole,
        "processor_seconds": round(processor, 1),
        "stages": {name: round(spent, 2) for name, spent in seconds.items()},
        "experts": training["expert_seconds"],
        "warm_start": training["warm_start"] is not None,
        "embed_seconds_per_row": round(embedded["stages"]["features"] / labels, 4),
        "decision": judged["decision"],
        "promoted": promoted["epoch"] is not None,
    }


def _stage(workplace: Workplace, maker: Maker, labels: int) -> None:
    """Let real products wait for their append, as people's verdicts leave them."""
    drawn = [(place, maker.text(place, 10), maker.photo(place)) for place in _places(maker, labels)]
    for _, _, photo in drawn:
        ImageFolder(workplace.store.images).put(photo)
    with workplace.sessions.begin() as session:
        for place, title, photo in drawn:
            code = maker.taxonomy.codes[place]
            row = predictions.add(session, _new(title, photo.sha256, code, workplace.taxonomy))
            assert predictions.move(session, row.id, version=1, move=VALIDATE, code=code)
            label = {"code": code, "reviewer_id": REVIEWER, "reason": None, "detail": {}}
            verdicts.record(session, prediction_id=row.id, version=2, move=VALIDATE, **label)


def _places(maker: Maker, labels: int) -> list[int]:
    return [int(place) for place in maker.random.integers(0, len(maker.taxonomy.codes), labels)]


def _new(title: str, photo: str, code: int, taxonomy: Taxonomy) -> NewPrediction:
    return NewPrediction(
        owner_id=SELLER,
        idempotency_key=None,
        request_sha256="0" * 64,
        designation=title,
        description=None,
        image_sha256=photo,
        modality="text+image",
        language=Language.UNKNOWN,
        suggested_code=code,
        confidence=0.5,
        answer={"top_k": [[code, 0.5]], "experts": {}},
        model_name=MODEL,
        model_version="f" * 64,
        epoch=1,
        taxonomy_version=taxonomy.version,
    )


@contextmanager
def _workplace(folder: Path, packages: Path) -> Iterator[Workplace]:
    """A workplace in a folder of its own; encoders are packaged once for all."""
    packages.mkdir(exist_ok=True)
    store = StoreSettings(root=folder)
    shutil.copy(TAXONOMY, folder / "taxonomy.csv")
    store.packages.symlink_to(packages, target_is_directory=True)
    database = DatabaseSettings(url=f"sqlite:///{folder}/etalon.db")
    engine = make_engine(database)
    migrate(engine)
    engine.dispose()
    train = TrainSettings(config=PROJECT / "training" / "config.toml", tracking_uri=f"sqlite:///{folder}/mlflow.db")
    # A tracking store without a server would put artefacts where the process happens to stand.
    MlflowClient(train.tracking_uri).create_experiment(train.experiment, artifact_location=str(folder / "artifacts"))
    workplace = Workplace(
        store=store,
        model=ModelSettings(),
        train=train,
        gate=GateSettings(policy=PROJECT / "mlflow" / "gate.toml"),
        database=database,
        serving=ServingSettings(),
    )
    with workplace.sessions.begin() as session:
        session.add(UserAccount(id=REVIEWER, username="reviewer", password_hash="", role="reviewer"))
        session.add(UserAccount(id=SELLER, username="seller", password_hash="", role="customer"))
    try:
        yield workplace
    finally:
        workplace.close()


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - started


def _print(stores: Sequence[dict[str, Any]]) -> None:
    header = ["store, labels", *STAGES, "in all", "processor", "from nothing", "everything*", "cheaper"]
    lines = []
    for store in stores:
        for one in store["retrainings"]:
            stages = [f"{one['stages'][stage]:.1f} s" for stage in STAGES]
            sums = [
                f"{one['seconds']:.1f} s",
                f"{one['processor_seconds']:.1f} s",
                f"{store['first_seconds']:.0f} s",
                f"{store['everything_seconds']:.0f} s",
            ]
            lines.append([f"{store['rows']}, {one['labels']}", *stages, *sums, f"{one['times_cheaper']:.0f} ×"])
    print_table(header, lines)
    print("* every row embedded, one epoch of full fine-tuning: scaled from a sample. Base features are synthetic.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 10_000, 85_000], help="rows of each store")
    parser.add_argument("--labels", type=int, nargs="+", default=[10, 100, 1_000], help="new labels, in turn")
    parser.add_argument("--folder", type=Path, help="where to build the stores, on a real disk; default: the system's")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
