"""A challenger as a judgement leaves it behind: packaged, judged beside the champion, with figures and products."""

import numpy as np

from core.db.repositories import evaluations, judgements, promotions
from core.db.repositories.judgements import Judgement
from core.domain.evaluation import Change, ChangedProduct
from core.store import manifests
from core.store.manifests import append_segment
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, write_segment
from preprocessing.images import ImageFolder, sanitise, to_tensor
from tests.api.service import Etalon
from tests.integration.api.packaged import TAXONOMY_VERSION, write_tiny_model
from tests.pages.assortment import known_words
from tests.toys.evaluations import evaluation, gate_report

CODES = tuple(sorted(known_words()))
TITLES = ("A lamp of brass", "<script>window.ran = true</script> & co", "Trois livres d’occasion")


def judge(shop: Etalon, decision: str = "grey", *, temperature: float = 0.3) -> str:
    """Package a challenger and keep that it was judged beside the champion of now; its version.

    Args:
        shop: where; its training store gets three hold-out products, if it is empty.
        decision: the gate's.
        temperature: another one is another model.
    """
    clean = sanitise(shop.photo, max_bytes=10**6, max_pixels=10**6)
    version = write_tiny_model(shop.store.packages, clean.data, temperature=temperature, known=known_words())
    _stock(shop)
    with shop.sessions.begin() as session:
        now = promotions.current(session)
        assert now is not None
        champion = now.models["fusion"]
        said = Judgement(1, decision, now.epoch, champion, "run-9", 0.9, 0.8, gate_report(decision, codes=CODES))
        judgements.record(session, package=version, judgement=said, gated=True)
        examples = [
            ChangedProduct(BASE_SEGMENT, row, f"p{row}", change, CODES[0], CODES[1], 0.6, CODES[0], 0.9)
            for row, change in enumerate((Change.MENDED, Change.MENDED, Change.BROKEN))
        ]
        evaluations.record(
            session, package=version, evaluation=evaluation(version, champion, codes=CODES, examples=examples)
        )
    return version


def _stock(shop: Etalon) -> None:
    if manifests.newest(shop.store.training) is not None:
        return
    clean = sanitise(shop.photo, max_bytes=10**6, max_pixels=10**6)
    ImageFolder(shop.store.images).put(clean)
    rows = [
        TrainingRow(f"p{at}", "", title, "", CODES[0], "" if at == 2 else clean.sha256, *_BASE, f"c{at}", "", "", "")
        for at, title in enumerate(TITLES)
    ]
    nothing = np.zeros((224, 224, 3), np.uint8)
    photos = [to_tensor(clean.data) if row.image_sha256 else nothing for row in rows]
    written = write_segment(shop.store.training, BASE_SEGMENT, rows, photos)
    append_segment(shop.store.training, written, taxonomy_version=TAXONOMY_VERSION)


_BASE = ("base", "holdout")
