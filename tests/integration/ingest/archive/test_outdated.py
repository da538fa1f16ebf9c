"""Archived products whose time is over lose their text and photo, here and in the archive; nothing else does."""

from datetime import timedelta

from sqlalchemy import update

from core.db.models import ArchiveParcel, Audit, Prediction
from core.db.repositories import predictions
from core.domain.review import REJECT
from core.domain.taxonomy import Taxonomy
from core.retention.personal import count_outdated, erase_outdated
from preprocessing.archive.delivery import Delivery
from preprocessing.archive.folder import FolderArchive
from preprocessing.images import ImageFolder
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.shop import Shop, photo


def deliver(shop: Shop) -> None:
    """One run of the archive."""
    archive = FolderArchive(shop.store.archive)
    taxonomy = Taxonomy.from_csv(shop.store.root / "taxonomy.csv")
    Delivery(shop.sessions, ImageFolder(shop.store.images), taxonomy, {archive.place: archive}, archive.place).run()


def lying(shop: Shop) -> int:
    """How many products are in the archive."""
    return len(list(shop.store.archive.rglob("product.json")))


def text_of(shop: Shop, prediction_id: str) -> str:
    with shop.sessions() as session:
        return session.get_one(Prediction, prediction_id).designation


def make_old(shop: Shop, prediction_id: str) -> None:
    """As if it had arrived 100 days ago."""
    with shop.sessions.begin() as session:
        then = predictions.now(session) - timedelta(days=100)
        session.execute(
            update(ArchiveParcel).where(ArchiveParcel.prediction_id == prediction_id).values(archived_at=then)
        )


@same_on_any_database
def test_a_product_that_was_archived_long_ago_is_erased_everywhere_and_its_decisions_stay(shop: Shop) -> None:
    old = shop.validated("Étui rouge", image=photo(910), move=REJECT)
    young = shop.validated("Étui bleu", image=photo(911), move=REJECT)
    deliver(shop)
    make_old(shop, old)
    accepted = shop.validated("Lampe")
    waiting = shop.validated("Étui vert", move=REJECT)
    assert (count_outdated(shop.sessions, days=99), count_outdated(shop.sessions, days=101)) == (1, 0)
    assert erase_outdated(shop.sessions, days=99) == 1
    assert erase_outdated(shop.sessions, days=99) == 0
    assert text_of(shop, old) == ""
    assert [text_of(shop, one) for one in (young, accepted, waiting)] == ["Étui bleu", "Lampe", "Étui vert"]
    deliver(shop)
    assert lying(shop) == 2  # the young one, and the one that waited
    with shop.sessions() as session:
        actions = {row.action for row in session.query(Audit).filter(Audit.subject == f"prediction/{old}")}
    assert {"reject", "archive", "unarchive"} <= actions
    assert shop.check() == []
