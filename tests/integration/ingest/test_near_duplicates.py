"""Near-duplicates follow the products they are near, whenever they arrive, and never stand on both sides."""

import io
from itertools import permutations
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from core.db.models import Base, ClusterMember, NearKey, NearSignature, RecentNearKey
from core.db.repositories import clusters
from core.db.repositories.clusters import Tally
from core.domain.clusters import straddling
from core.domain.splits import LEARNT, MEASURED
from core.store.rows import TrainingRow
from core.store.snapshot import Snapshot
from preprocessing.catalogue import Catalogue
from preprocessing.images import ImageFolder
from preprocessing.ingest.base import Imported
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.shop import Shop, photo, write_catalogue

LAMP = "Lampe bureau pliable chargeur induction tactile"


def changed(image: bytes, *, scale: float = 1.0, brightness: float = 1.0, quality: int = 60) -> bytes:
    """The same picture, as another seller would send it."""
    copy = Image.open(io.BytesIO(image)).convert("RGB")
    copy = copy.resize((round(copy.width * scale), round(copy.height * scale)))
    out = io.BytesIO()
    ImageEnhance.Brightness(copy).enhance(brightness).save(out, "JPEG", quality=quality)
    return out.getvalue()


def base_rows(shop: Shop) -> list[TrainingRow]:
    return [row for row in Snapshot.open(shop.store.training).rows if row.source == "base"]


def number_of(row: TrainingRow) -> int:
    """Of the toy catalogue's photo: photo n belongs to the title "Objet n"."""
    return int(row.designation.split()[1])


def test_a_changed_photo_of_a_holdout_product_goes_to_fresh(shop: Shop) -> None:
    original = next(row for row in base_rows(shop) if row.split == "holdout")
    copy = shop.validated("Autre titre", image=changed(photo(number_of(original)), scale=3.0, brightness=1.1))
    shop.append()
    row = shop.rows()[copy]
    assert row.image_sha256 != original.image_sha256
    assert (row.cluster, row.split) == (original.cluster, "fresh")


def test_a_changed_photo_of_a_training_product_joins_its_cluster(shop: Shop) -> None:
    original = next(row for row in base_rows(shop) if row.split == "train")
    copy = shop.validated("Autre titre", image=changed(photo(number_of(original))))
    shop.append()
    assert (shop.rows()[copy].cluster, shop.rows()[copy].split) == (original.cluster, "train")


def test_a_row_near_both_sides_is_kept_out_of_both(shop: Shop) -> None:
    train, holdout = (next(row for row in base_rows(shop) if row.split == split) for split in ("train", "holdout"))
    bridge = shop.validated(train.designation, image=changed(photo(number_of(holdout))))
    shop.append()
    assert shop.rows()[bridge].split == "none"
    assert straddling((row.cluster, row.split) for row in Snapshot.open(shop.store.training).rows) == []


def test_near_titles_stay_together_in_one_batch_and_the_next(shop: Shop) -> None:
    ids = [shop.validated(f"{LAMP} noire", image=photo(101)), shop.validated(f"{LAMP} neuve", image=photo(102))]
    shop.append("monday")
    ids.append(shop.validated(f"{LAMP} rouge 30 cm", description="Livrée montée.", image=photo(103)))
    other = shop.validated("Housse coussin coton lin motif chouette", image=photo(104))
    shop.append("tuesday")
    rows = shop.rows()
    assert len({(rows[one].cluster, rows[one].split) for one in ids}) == 1
    assert rows[other].cluster != rows[ids[0]].cluster


def test_a_copy_of_a_copy_that_is_not_near_the_first_follows_through_the_second(shop: Shop) -> None:
    image = photo(101)
    ids = [shop.validated("Vase bleu", image=image), shop.validated(LAMP, image=changed(image))]
    shop.append("monday")
    ids.append(shop.validated(f"{LAMP} neuve", image=photo(102)))
    shop.append("tuesday")
    assert len({shop.rows()[one].cluster for one in ids}) == 1


@same_on_any_database
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_copies_never_stand_on_both_sides_in_whatever_order_they_arrive(shop: Shop, order: tuple[int, ...]) -> None:
    holdout = next(row for row in base_rows(shop) if row.split == "holdout")
    train = next(row for row in base_rows(shop) if row.split == "train")
    arriving = [
        (LAMP, changed(photo(number_of(holdout)))),
        (f"{LAMP} noire", changed(photo(number_of(train)))),
        (f"{LAMP} neuve", photo(101)),
    ]
    ids = {}
    for day, at in enumerate(order):
        ids[at] = shop.validated(arriving[at][0], image=arriving[at][1])
        shop.append(f"day {day}")
    splits = {at: shop.rows()[one].split for at, one in ids.items()}
    assert splits[0] not in LEARNT  # near the hold-out product
    assert splits[1] not in MEASURED  # near the training product
    assert not ({*splits.values()} & LEARNT and {*splits.values()} & MEASURED)


def test_an_import_groups_near_products_and_counts_them(empty_shop: Shop, tmp_path: Path) -> None:
    imported = import_copies(empty_shop, tmp_path)
    rows = {row.product_id: row for row in base_rows(empty_shop)}
    assert len({(rows[one].cluster, rows[one].split) for one in ("3000", "3001", "3002")}) == 1
    assert (imported.copies.found, imported.copies.same) == (2, 0)
    assert (imported.copies.near_title, imported.copies.near_photo) == (1, 1)
    assert (imported.copies.clusters, imported.copies.largest_cluster, imported.copies.conflicting_clusters) == (
        6,
        3,
        1,
    )


def test_what_an_import_finds_is_remembered_once(empty_shop: Shop, tmp_path: Path) -> None:
    import_copies(empty_shop, tmp_path)
    with empty_shop.sessions() as session:
        assert clusters.tally(session) == Tally(6, 8 + 8 + 1, {"photo-1": 8, "title-1": 1})


def import_copies(shop: Shop, tmp_path: Path) -> Imported:
    """Eight products: 1 has a near title of 0, 2 has a near photo of 0."""
    data = write_catalogue(tmp_path / "copies", products=8, codes=(10, 40))
    products = (data / "X_train_update.csv").read_text(encoding="utf-8")
    products = products.replace("Objet 0,", f"{LAMP} noire,").replace("Objet 1,", f"{LAMP} rouge,")
    (data / "X_train_update.csv").write_text(products, encoding="utf-8")
    photos = data / "images" / "image_train"
    copy = changed((photos / "image_9000_product_3000.jpg").read_bytes(), scale=2.0)
    (photos / "image_9002_product_3002.jpg").write_bytes(copy)
    return shop.import_catalogue(data)


def test_a_claim_that_is_undone_remembers_nothing(shop: Shop) -> None:
    before = counts(shop)
    shop.validated(LAMP, image=photo(101))
    status, _, _ = shop.run("append", "--run-key", "run", failpoint="claim.outbox:1:kill")
    assert status != 0
    assert counts(shop) == before
    shop.append()
    assert counts(shop)[NearSignature.__tablename__] == before[NearSignature.__tablename__] + 2


def counts(shop: Shop) -> dict[str, int]:
    tables: tuple[type[Base], ...] = (ClusterMember, NearSignature, NearKey, RecentNearKey)
    with shop.sessions() as session:
        return {table.__tablename__: session.query(table).count() for table in tables}


@same_on_any_database
def test_changed_photos_of_real_products_follow_them_and_other_products_do_not(
    empty_shop: Shop, real_products: Path
) -> None:
    empty_shop.import_catalogue(real_products, limit=150)
    base = base_rows(empty_shop)[:12]
    photos = ImageFolder(empty_shop.store.images)
    sent = {
        empty_shop.validated(
            f"Copie {row.product_id}",
            image=changed(photos.get(row.image_sha256), scale=0.8, brightness=0.93),
            code=row.prdtypecode,
        ): row
        for row in base
    }
    held = {row.product_id for row in base_rows(empty_shop)}
    others = [item for item in Catalogue(real_products).unlabelled()[:40] if item.product_id not in held]
    new = [empty_shop.validated(item.designation, image=item.read_photo(), code=item.prdtypecode) for item in others]
    empty_shop.append()
    rows = empty_shop.rows()
    assert {one: rows[one].cluster for one in sent} == {one: row.cluster for one, row in sent.items()}
    strangers = {rows[one].cluster for one in new} & {row.cluster for row in base_rows(empty_shop)}
    assert len(strangers) <= 1
    assert straddling((row.cluster, row.split) for row in Snapshot.open(empty_shop.store.training).rows) == []
