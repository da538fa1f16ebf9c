"""Validated predictions become training rows, each once, with its own photo, code and split."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from core.db.models import Audit, Outbox, Prediction, SegmentClaim
from core.db.repositories import judgements
from core.db.repositories.judgements import Judgement
from core.domain.review import REJECT
from core.settings import LoopSettings
from core.store.manifests import newest, read
from core.store.rows import decode_rows
from core.store.segments import SegmentDiffers
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder
from preprocessing.ingest.append import Appended, NoTaxonomy, _ingest, is_due, is_unjudged
from preprocessing.ingest.claim import claim_batch
from tests.integration.conftest import same_on_any_database
from tests.integration.ingest.desk import erase
from tests.integration.ingest.shop import REVIEWER, Shop, photo, tensor_of_upload


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def base_row(shop: Shop, split: str) -> tuple[str, bytes]:
    """Title and upload of a base product in ``split`` (the catalogue's photo n belongs to title "Objet n")."""
    row = next(row for row in Snapshot.open(shop.store.training).rows if row.split == split)
    return row.designation, photo(int(row.designation.split()[1]))


def test_a_validated_row_joins_with_its_text_code_and_photo(shop: Shop) -> None:
    one = shop.validated("Livre neuf", description="Poche, 200 p.", code=40, image=photo(101))
    two = shop.validated("Jeu de dés", code=10, image=photo(102))
    assert shop.append() == Appended("000001", 2, 2)
    row = shop.rows()[one]
    assert (row.designation, row.description, row.prdtypecode) == ("Livre neuf", "Poche, 200 p.", 40)
    assert (row.product_id, row.source, row.reviewer, row.model_version_shown) == (one, "validated", REVIEWER, "f" * 64)
    assert row.validated_at.startswith("20")
    assert row.validated_at.endswith("Z")
    assert np.array_equal(shop.tensor(one), tensor_of_upload(photo(101)))
    assert np.array_equal(shop.tensor(two), tensor_of_upload(photo(102)))
    assert shop.check() == []


def test_appending_twice_adds_nothing(shop: Shop) -> None:
    shop.validated("Livre", image=photo(101))
    first = shop.append("monday")
    before = hashes(shop.store.training / "segments" / "000001")
    assert shop.append("monday") == first
    assert shop.append("tuesday") is None
    assert len(shop.rows()) == 1
    assert hashes(shop.store.training / "segments" / "000001") == before
    assert newest(shop.store.training) == read(shop.store.training, 2)


def test_the_corrected_code_counts_and_earlier_rows_stay_untouched(shop: Shop) -> None:
    base = hashes(shop.store.training / "segments" / "000000-base")
    shop.validated("Livre", image=photo(101))
    shop.append("monday")
    first = hashes(shop.store.training / "segments" / "000001")
    corrected = shop.validated("Console", suggested=10, code=2583, image=photo(102))
    shop.append("tuesday")
    assert shop.rows()[corrected].prdtypecode == 2583
    assert hashes(shop.store.training / "segments" / "000000-base") == base
    assert hashes(shop.store.training / "segments" / "000001") == first


def test_marking_moves_prediction_outbox_and_claim_on_together(shop: Shop) -> None:
    prediction_id = shop.validated("Livre")
    shop.append("monday")
    with shop.sessions() as session:
        prediction = session.get_one(Prediction, prediction_id)
        assert (prediction.status, prediction.version, prediction.segment) == ("ingested", 2, 1)
        assert session.query(Outbox).one().done_at is not None
        claim = session.get_one(SegmentClaim, 1)
        assert (claim.run_key, claim.rows, claim.manifest) == ("monday", 1, 2)
        assert claim.ingested_at is not None
        assert session.query(Audit).filter_by(subject="segment/1").one().detail == {
            "rows": 1,
            "retractions": 0,
            "manifest": 2,
        }


def test_rejected_and_pending_predictions_never_arrive(shop: Shop) -> None:
    shop.validated("Livre", move=REJECT)
    shop.validated("Jeu", move=None)
    assert shop.append() is None
    assert shop.rows() == {}


def test_text_arrives_as_it_was_sent(shop: Shop) -> None:
    texts = ["NA", "null", 'a "b", c', "x\r\ny", "=1+1", "é ❤", "<b>gras</b>"]
    ids = {shop.validated(text, description=text): text for text in texts}
    shop.append()
    assert {one: (row.designation, row.description) for one, row in shop.rows().items()} == {
        one: (text, text) for one, text in ids.items()
    }


def test_a_product_without_a_photo_has_a_zero_tensor(shop: Shop) -> None:
    prediction_id = shop.validated("Livre sans photo")
    shop.append()
    assert shop.rows()[prediction_id].image_sha256 == ""
    assert not shop.tensor(prediction_id).any()


def test_the_training_csv_holds_all_live_rows(shop: Shop) -> None:
    shop.validated("Livre")
    shop.append()
    rows = decode_rows((shop.store.training / "training.csv").read_bytes(), "training.csv")
    assert rows == Snapshot.open(shop.store.training).rows
    assert len(rows) == 31


def test_a_copy_of_a_holdout_product_goes_to_fresh(shop: Shop) -> None:
    title, image = base_row(shop, "holdout")
    same_words = shop.validated(f"  {title.upper()}! ", image=photo(101))
    same_photo = shop.validated("Autre titre", image=image)
    shop.append()
    assert {shop.rows()[one].split for one in (same_words, same_photo)} == {"fresh"}


def test_a_copy_of_a_training_product_joins_its_cluster(shop: Shop) -> None:
    title, _ = base_row(shop, "train")
    copy = shop.validated(title, image=photo(101))
    shop.append()
    original = next(row for row in Snapshot.open(shop.store.training).rows if row.designation == title)
    assert (shop.rows()[copy].cluster, shop.rows()[copy].split) == (original.cluster, "train")


def test_a_copy_of_both_sides_is_kept_out_of_both(shop: Shop) -> None:
    title, _ = base_row(shop, "train")
    _, image = base_row(shop, "holdout")
    prediction_id = shop.validated(title, image=image)
    shop.append()
    assert shop.rows()[prediction_id].split == "none"


def test_copies_of_one_another_stay_together_in_one_batch_and_the_next(shop: Shop) -> None:
    ids = [shop.validated("Vase bleu", image=photo(101)), shop.validated("Vase vert", image=photo(101))]
    shop.append("monday")
    ids.append(shop.validated("vase vert", image=photo(102)))
    shop.append("tuesday")
    rows = shop.rows()
    assert len({(rows[one].cluster, rows[one].split) for one in ids}) == 1


def test_a_long_queue_arrives_in_bounded_batches_in_order(shop: Shop) -> None:
    ids = [shop.validated(f"Livre {number}") for number in range(5)]
    batches = [shop.append(f"run {number}", max_rows=2) for number in range(3)]
    assert [batch.rows for batch in batches if batch] == [2, 2, 1]
    assert list(shop.rows()) == ids


@same_on_any_database
def test_a_database_older_than_the_store_is_told_apart(shop: Shop) -> None:
    backup = (shop.folder / "etalon.db").read_bytes()
    shop.validated("Livre")
    shop.append("monday")
    shop.engine.dispose()
    (shop.folder / "etalon.db").write_bytes(backup)
    shop.validated("Autre livre")
    with pytest.raises(SegmentDiffers, match="000001"):
        shop.append("tuesday")


def test_nothing_is_claimed_before_a_catalogue_was_imported(empty_shop: Shop) -> None:
    empty_shop.validated("Livre")
    with pytest.raises(NoTaxonomy, match="import a catalogue first"):
        empty_shop.append()
    with empty_shop.sessions() as session:
        assert session.query(SegmentClaim).count() == 0


def test_a_batch_is_due_by_count_by_age_or_when_one_lies_open(shop: Shop) -> None:
    few, patient = LoopSettings(min_rows=2, max_age_s=3600), LoopSettings(min_rows=2, max_age_s=0)
    assert not is_due(shop.sessions, patient, "run")
    shop.validated("Livre")
    assert not is_due(shop.sessions, few, "run")
    assert is_due(shop.sessions, patient, "run")
    shop.validated("Jeu")
    assert is_due(shop.sessions, few, "run")
    shop.append("run")
    assert is_due(shop.sessions, few, "run")
    assert not is_due(shop.sessions, few, "another run")


def test_only_the_newest_batch_has_to_be_judged(shop: Shop) -> None:
    def judge(manifest: int) -> None:
        with shop.sessions.begin() as session:
            said = Judgement(manifest, "promote", 1, None, "run", 0.8, 0.7, {})
            judgements.record(session, package="a" * 64, judgement=said, gated=True)

    assert not is_unjudged(shop.sessions)
    shop.validated("Livre")
    assert not is_unjudged(shop.sessions)
    shop.append("monday")
    judge(1)  # the base, once more
    assert is_unjudged(shop.sessions)
    shop.validated("Jeu")
    shop.append("tuesday")
    assert is_unjudged(shop.sessions)
    judge(3)
    assert not is_unjudged(shop.sessions)


def test_a_job_that_wakes_after_its_batch_was_done_and_its_product_erased_finds_it_done(shop: Shop) -> None:
    product = shop.validated("Lampe de bureau")
    claim = claim_batch(shop.sessions, ImageFolder(shop.store.images), run_key="asleep", max_rows=10)
    done = shop.append("awake")
    erase(shop, product)
    shop.append("erasing")
    assert _ingest(shop.sessions, shop.store, claim, "any") == done
    assert shop.check() == []
