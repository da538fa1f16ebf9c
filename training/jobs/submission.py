"""The verb ``submission``: the champion's answers to a catalogue's test products, in the challenge's format."""

import hashlib
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.db.repositories import promotions
from core.domain.product import Product
from core.errors import Conflict
from inference.model import ServedModel
from preprocessing.catalogue import BadCatalogue, Catalogue, CatalogueItem
from preprocessing.images import BadImage, sanitise
from training.evaluate import weighted_f1
from training.jobs.workplace import MODEL, Workplace
from training.submission import SubmissionFile

log = logging.getLogger(__name__)

_BATCH = 64


class NoChampion(Conflict):
    """No model of this name is released."""

    code = "submission.no_champion"


def submit(workplace: Workplace, *, data: Path, out: Path | None, model: str = MODEL) -> dict[str, Any]:
    """Answer every product of ``X_test_update.csv`` and write the submission; stopped, it goes on where it was.

    A photo that is missing or cannot be read is named in the log; the product is answered from its text.

    Returns:
        ``submission`` (path), ``package``, ``rows`` and ``seconds``; with ``Y_test_oracle.csv``: ``weighted_f1`` and
        ``accuracy``, both in [0, 1].

    Raises:
        NoChampion: no model of this name is released.
        BadCatalogue: a file is missing or a row cannot be read.
        OtherSubmission: something else lies at ``out``.
    """
    with workplace.sessions() as session:
        champion = promotions.current(session)
    package = champion.models.get(model) if champion else None
    if package is None:
        raise NoChampion(f"no model named {model} is released: train and promote one first")
    items = Catalogue(data).unlabelled()
    path = out or workplace.store.root / "submissions" / f"{data.resolve().name}-{model}-{package[:12]}.csv"
    test = hashlib.sha256((data / "X_test_update.csv").read_bytes()).hexdigest()
    file = SubmissionFile(path, {"package": package, "catalogue": test}, [item.index for item in items])
    started = time.monotonic()
    file.write(_Answers(workplace, package, items), batch=_BATCH)
    told = {"submission": str(path), "package": package, "rows": len(items)}
    return {**told, **_scores(items, file.codes()), "seconds": round(time.monotonic() - started, 1)}


class _Answers:
    """The model's codes for a span of products; it is opened when it is first asked."""

    def __init__(self, workplace: Workplace, package: str, items: Sequence[CatalogueItem]) -> None:
        self._workplace, self._package, self._items = workplace, package, items
        self._model: ServedModel | None = None
        self._started, self._first = time.monotonic(), 0

    def __call__(self, start: int, end: int) -> list[int]:
        if self._model is None:
            root, pool = self._workplace.store.packages, self._workplace.pool
            self._model = ServedModel.load(root, self._package, encoders=pool)
            self._started, self._first = time.monotonic(), start
        products = [_product(item, self._workplace) for item in self._items[start:end]]
        best = self._model.probabilities(products).argmax(axis=1)
        took = (time.monotonic() - self._started) / (end - self._first)
        left = round(took * (len(self._items) - end))
        log.info("submission.progress", extra={"rows": end, "of": len(self._items), "seconds_left": left})
        return [self._model.codes[column] for column in best]


def _product(item: CatalogueItem, workplace: Workplace) -> Product:
    limits = workplace.serving
    try:
        upload = item.read_photo()
        clean = (
            sanitise(upload, max_bytes=limits.max_upload_bytes, max_pixels=limits.max_image_pixels) if upload else None
        )
    except (BadCatalogue, BadImage) as error:
        log.warning("submission.photo_left_out", extra={"product": item.product_id, "reason": str(error)})
        clean = None
    return Product(item.designation, item.description, clean.data if clean else None)


def _scores(items: Sequence[CatalogueItem], codes: Sequence[int]) -> dict[str, float]:
    known = [(item.prdtypecode, code) for item, code in zip(items, codes, strict=True) if item.prdtypecode is not None]
    if not known:
        return {}
    truth, answered = np.unique(np.array(known).T, return_inverse=True)[1].reshape(2, -1)
    right = float((truth == answered).mean())
    return {"weighted_f1": round(weighted_f1(truth, answered), 4), "accuracy": round(right, 4)}
