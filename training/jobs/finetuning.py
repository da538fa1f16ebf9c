"""The verb ``finetune``: an encoder trained on the store's own products, then packaged like any other."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from core.registry.packages import Package, canonical_json
from core.settings import ModelSettings
from core.store.snapshot import Snapshot
from training.config import FusionConfig, read_section
from training.encoders import BUILDERS
from training.encoders.sources import Source, find_image_source, find_text_source
from training.evaluate import weighted_f1
from training.event_log import logging_to
from training.finetune.config import FinetuneConfig, FinetuneSections, ImageFinetuneConfig
from training.finetune.lessons import LearnableRows, photos_of, texts_of
from training.finetune.origin import Tuning, write_tuned
from training.jobs.runs import code_version, utc_now
from training.jobs.workplace import Stopwatch, Workplace
from training.learning_rows import TooFewRows

if TYPE_CHECKING:
    from training.finetune.loop import Watch

Half = Literal["text", "image"]


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be trained, from what.

    Attributes:
        half: ``text`` is BERT, ``image`` ResNet50.
        config: hyperparameters, with the epochs that were asked for.
        layers: trained layers from the last one back; None is all.
        source: weights to begin with.
        named: their package.
        seed: everything random starts here.
    """

    half: Half
    config: FinetuneConfig
    layers: int | None
    source: Source
    named: Package
    seed: int

    def key(self, snapshot: Snapshot, taxonomy: str) -> str:
        """What names the training: its checkpoint is taken up by whoever orders the same."""
        facts = {"half": self.half, "config": asdict(self.config), "layers": self.layers, "seed": self.seed}
        facts |= {"from": self.named.sha, "manifest": snapshot.manifest.sha256, "taxonomy": taxonomy}
        return hashlib.sha256(canonical_json({**facts, "code": code_version()})).hexdigest()


def finetune(
    workplace: Workplace,
    *,
    half: Half,
    layers: int | None = None,
    epochs: int | None = None,
    max_steps: int | None = None,
    manifest: int | None = None,
    run_key: str | None = None,
) -> dict[str, Any]:
    """Train the encoder of one half with a softmax head, package it, and leave the head behind.

    A killed job that is started again goes on from its last checkpoint. Nothing is promoted: ``fit --encoders`` trains
    a model over it, which the gate judges. The same order gives the same package on the same kind of processor.

    Args:
        workplace: settings, store and packages.
        half: ``text`` or ``image``.
        layers: train only as many of BERT's last layers or ResNet50's last residual blocks.
        epochs: instead of the configuration's.
        max_steps: stop after so many batches; started again without it, the training goes on.
        manifest: number of the snapshot; None is the newest.
        run_key: the run that asks; again: the same result. None: a run named by the order.

    Returns:
        ``encoder`` (the package's sha), ``half``, ``folder``, ``from``, ``manifest``, ``rows``, ``steps`` of
        ``planned``, ``curves``, ``validation_weighted_f1`` (None without validation rows), ``run_key``,
        ``finished_at``, and seconds.

    Raises:
        TooFewRows: fewer than two classes have training rows with this half.
        BadEncoderSource: the weights to begin with cannot be loaded.
    """
    watch = Stopwatch()
    if run_key and (done := _done(workplace, run_key, half, manifest)):
        return done
    snapshot = workplace.snapshot(manifest)
    with watch.stage("encoders"):
        order = _order(workplace, half, layers, epochs)
    key = order.key(snapshot, workplace.taxonomy.version)
    run_key = run_key or f"finetune-{key[:16]}"
    with watch.stage("finetune"):
        files, told = _train(workplace, snapshot, order, key, run_key, max_steps)
    tuning = Tuning(
        source=order.source.name,
        package=order.named.sha,
        licence=order.source.licence,
        manifest=snapshot.manifest.number,
        manifest_sha256=snapshot.manifest.sha256,
        steps=told["steps"],
        layers=layers,
    )
    tuned = write_tuned(workplace.store.root / "finetuned", tuning, files)
    with watch.stage("package"):
        package = BUILDERS[half](_settings_for(half, tuned), workplace.store.packages)
    described = {"encoder": package.sha, "half": half, "folder": str(tuned), "from": order.named.sha}
    described |= {"manifest": snapshot.manifest.number, "run_key": run_key, "finished_at": utc_now()}
    result = {**described, **told, **watch.report()}
    how = {"order": key, "config": asdict(order.config), "layers": layers, "seed": order.seed}
    if workplace.runs.tuned(package.sha).read() is None:
        workplace.runs.tuned(package.sha).write({**result, **how})
    return workplace.runs.result(run_key, f"finetune-{half}").write(result)


def finetune_among(
    workplace: Workplace, *, half: Half, halves: str, max_steps: int | None = None, **order: Any
) -> dict[str, Any]:
    """What a schedule asks for: ``finetune`` where there is something to tune, by the settings.

    Args:
        workplace: settings, store and packages.
        half: ``text`` or ``image``.
        halves: nothing is done unless ``half`` is among these, comma by comma; "": those of ``TRAIN_TUNE_HALVES``.
        max_steps: None: those of ``TRAIN_TUNE_MAX_STEPS``, if any.
        **order: the other arguments of ``finetune``.

    Returns:
        As ``finetune``; ``encoder`` is None where nothing was done, and ``reason`` says why.

    Raises:
        BadEncoderSource: the weights to begin with cannot be loaded.
    """
    wanted = halves or workplace.train.tune_halves
    if half not in wanted.split(","):
        return {"encoder": None, "reason": f"{half} is not among {wanted}"}
    steps = max_steps or workplace.train.tune_max_steps
    try:
        return finetune(workplace, half=half, max_steps=steps, **order)
    except TooFewRows as error:
        return {"encoder": None, "reason": str(error)}


def curves_of_run(workplace: Workplace, run_key: str) -> dict[str, list[float]]:
    """Curves of the encoders that this run fine-tuned, as ``finetune-text.val_loss``."""
    found = {half: workplace.runs.result(run_key, f"finetune-{half}").read() for half in ("text", "image")}
    return {
        f"finetune-{half}.{name}": values
        for half, tuned in found.items()
        if tuned
        for name, values in tuned["curves"].items()
        if values
    }


def _done(workplace: Workplace, run_key: str, half: Half, manifest: int | None) -> dict[str, Any] | None:
    done = workplace.runs.result(run_key, f"finetune-{half}").read()
    if done is None or manifest not in (None, done["manifest"]):
        return None
    return done if (workplace.store.packages / done["encoder"]).is_dir() else None


def _order(workplace: Workplace, half: Half, layers: int | None, epochs: int | None) -> _Order:
    data = workplace.train.config.read_bytes()
    sections = read_section(data, "finetune", FinetuneSections, origin=str(workplace.train.config))
    config = sections.text if half == "text" else sections.image
    if half == "text":
        source = find_text_source(workplace.model.text_encoder)
    else:
        source = find_image_source(workplace.model.image_weights)
    named = BUILDERS[half](workplace.model, workplace.store.packages)
    config = config if epochs is None else replace(config, epochs=epochs)
    return _Order(half, config, layers, source, named, FusionConfig.load(workplace.train.config).seed)


def _train(
    workplace: Workplace, snapshot: Snapshot, order: _Order, key: str, run_key: str, max_steps: int | None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The files of the tuned weights, and what there is to tell."""
    from training.finetune.loop import Lesson, finetune  # imports TensorFlow
    from training.softmax import fix_chance

    texts = texts_of(snapshot) if order.half == "text" else []
    has_half = [bool(text) for text in texts] if texts else [bool(row.image_sha256) for row in snapshot.rows]
    rows = LearnableRows.choose(snapshot, workplace.taxonomy, np.array(has_half, dtype=bool))
    fix_chance(order.seed)
    if order.half == "text":
        encoder, model, read, files_of = _text(order, [texts[place] for place in rows.places], rows.classes)
    else:
        encoder, model, read, files_of = _image(order, snapshot, rows)
    lesson = Lesson(read, rows.labels, rows.train, rows.validation, rows.classes)
    with ExitStack() as stack:
        outcome = finetune(
            model,
            lesson,
            order.config,
            seed=order.seed,
            folder=workplace.store.runs / "finetune" / key,
            max_steps=max_steps,
            watched=_watching(workplace.runs.event_logs(run_key) / f"finetune-{order.half}", stack),
        )
    truth = rows.labels[rows.validation]
    score = weighted_f1(truth, outcome.answers.argmax(axis=1)) if len(truth) else None
    told = {"rows": {"train": len(rows.train), "validation": len(truth)}, "validation_weighted_f1": score}
    told |= {"steps": outcome.steps, "planned": outcome.planned, "curves": outcome.curves}
    return files_of(encoder), told


def _watching(folder: Path, stack: ExitStack) -> Callable[[int], "Watch"]:
    """Write what happens for TensorBoard; the epochs before a checkpoint only where they are not there yet."""

    def begin(start: int) -> "Watch":
        events = stack.enter_context(logging_to(folder, start))

        def tell(step: int, numbers: Mapping[str, float]) -> None:
            if step > start or events.is_whole:
                events.add(step, numbers)

        return tell

    return begin


def _text(order: _Order, texts: list[str], classes: int) -> tuple[Any, ...]:
    from training.finetune.text import TokenisedTexts, build_text_learner, write_huggingface

    longest = int(order.named.spec["preprocessing"]["max_tokens"])
    encoder, model = build_text_learner(
        order.source, max_tokens=longest, layers_trained=order.layers, classes=classes, dropout=order.config.dropout
    )
    tokens = TokenisedTexts(texts, order.named.file("tokenizer.json").read_bytes(), longest)
    return encoder, model, tokens.read, lambda trained: write_huggingface(trained, order.source)


def _image(order: _Order, snapshot: Snapshot, rows: LearnableRows) -> tuple[Any, ...]:
    from training.finetune.image import ChangingPhotos, build_image_learner, write_weights

    if not isinstance(order.config, ImageFinetuneConfig):
        raise TypeError(f"photos are changed by a configuration of their own. Received: {order.config}")
    encoder, model = build_image_learner(
        order.source, layers_trained=order.layers, classes=rows.classes, dropout=order.config.dropout
    )
    photos = ChangingPhotos(photos_of(snapshot, rows.places), order.config, order.seed)
    return encoder, model, photos.read, write_weights


def _settings_for(half: Half, folder: Path) -> ModelSettings:
    """Settings that name the tuned weights."""
    if half == "text":
        return ModelSettings(text_encoder=str(folder))
    return ModelSettings(image_weights=str(next(folder.glob("*.weights.h5"))))
