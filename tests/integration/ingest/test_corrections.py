"""Corrections and retractions reach the training store with the next batch, each exactly once and in one step."""

import logging
import signal

import numpy as np
import pytest

from core.db.models import Outbox
from core.settings import LoopSettings
from core.store import training_csv
from core.store.manifests import Tombstone, newest, numbers, read
from core.store.rows import TrainingRow, decode_rows
from core.store.snapshot import Snapshot
from preprocessing.images import ImageFolder
from preprocessing.ingest.append import Appended, is_due
from preprocessing.ingest.tensors import LostPhoto
from tests.integration.ingest.desk import correct, erase, prediction, retract, undone_work, validate_again
from tests.integration.ingest.shop import Shop, photo, tensor_of_upload


def ingested(shop: Shop, title: str, seed: int) -> str:
    """A product in the training store, with code 10 and a photo of its own."""
    prediction_id = shop.validated(title, image=photo(seed))
    shop.append(f"the run of {title}")
    return prediction_id


def rows_of(shop: Shop, manifest: int) -> dict[str, TrainingRow]:
    rows = [row for row in Snapshot.open(shop.store.training, manifest).rows if row.prediction_id]
    assert len({row.prediction_id for row in rows}) == len(rows)
    return {row.prediction_id: row for row in rows}


def test_a_correction_replaces_the_row_in_one_manifest(shop: Shop) -> None:
    other, wrong = shop.validated("Autre"), ingested(shop, "Livre", 101)
    before = rows_of(shop, 2)
    correct(shop, wrong, 40)
    assert shop.append("monday") == Appended("000002", 1, 3, retractions=1)
    after = rows_of(shop, 3)
    assert (before[wrong].prdtypecode, after[wrong].prdtypecode) == (10, 40)
    assert (after[wrong].cluster, after[wrong].split) == (before[wrong].cluster, before[wrong].split)
    assert after[other] == before[other]
    assert np.array_equal(shop.tensor(wrong), tensor_of_upload(photo(101)))
    assert numbers(shop.store.training) == [1, 2, 3]
    assert rows_of(shop, 2) == before
    assert shop.check() == []


def test_a_retracted_row_is_gone_from_the_next_snapshot(shop: Shop) -> None:
    gone, stays = shop.validated("Livre"), ingested(shop, "Jeu", 101)
    retract(shop, gone)
    assert shop.append("monday") == Appended("000002", 0, 3, retractions=1)
    manifest = read(shop.store.training, 3)
    assert manifest.tombstones == (Tombstone("000001", 0),)
    assert manifest.segments == read(shop.store.training, 2).segments
    assert set(shop.rows()) == {stays}
    assert np.array_equal(shop.tensor(stays), tensor_of_upload(photo(101)))
    csv = decode_rows((shop.store.training / training_csv.TRAINING_CSV).read_bytes(), "training.csv")
    assert csv == Snapshot.open(shop.store.training).rows
    assert shop.check() == []


def test_what_was_retracted_before_it_was_claimed_never_arrives(shop: Shop) -> None:
    gone = shop.validated("Livre")
    retract(shop, gone)
    assert shop.append() is None
    assert (shop.rows(), undone_work(shop)) == ({}, 0)


def test_of_two_corrections_only_the_last_arrives(shop: Shop) -> None:
    wrong = ingested(shop, "Livre", 101)
    correct(shop, wrong, 40)
    correct(shop, wrong, 2583)
    shop.append("monday")
    assert shop.rows()[wrong].prdtypecode == 2583
    assert shop.append("tuesday") is None
    assert shop.check() == []


def test_corrections_of_corrections_each_replace_the_row_before(shop: Shop) -> None:
    wrong = ingested(shop, "Livre", 101)
    for run, code in (("monday", 40), ("tuesday", 2583), ("wednesday", 10)):
        correct(shop, wrong, code)
        shop.append(run)
        assert shop.rows()[wrong].prdtypecode == code
    manifest = newest(shop.store.training)
    assert manifest is not None
    assert manifest.tombstones == tuple(Tombstone(f"00000{number}", 0) for number in (1, 2, 3))
    assert shop.check() == []


def test_a_row_retracted_while_its_batch_is_open_leaves_with_the_next(shop: Shop) -> None:
    gone, stays = shop.validated("Livre"), shop.validated("Jeu")
    assert shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")[0] == -signal.SIGKILL
    retract(shop, gone)
    assert shop.append("monday") == Appended("000001", 2, 2)
    assert (prediction(shop, gone).status, prediction(shop, stays).status) == ("retracted", "ingested")
    assert set(shop.rows()) == {gone, stays}
    assert shop.append("tuesday") == Appended("000002", 0, 3, retractions=1)
    assert set(shop.rows()) == {stays}
    assert shop.check() == []


def test_a_row_accepted_anew_while_its_batch_is_open_is_ingested_by_the_next(shop: Shop) -> None:
    again = shop.validated("Livre")
    shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")
    retract(shop, again)
    validate_again(shop, again, 40)
    shop.append("monday")
    assert prediction(shop, again).status == "validated"
    assert shop.rows()[again].prdtypecode == 10
    assert shop.append("tuesday") == Appended("000002", 1, 3, retractions=1)
    assert prediction(shop, again).status == "ingested"
    assert shop.rows()[again].prdtypecode == 40
    assert shop.check() == []


def test_a_row_corrected_while_its_last_correction_is_being_written_ends_with_the_newer_code(shop: Shop) -> None:
    wrong = ingested(shop, "Livre", 101)
    correct(shop, wrong, 40)
    shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")
    correct(shop, wrong, 2583)
    shop.append("monday")
    assert shop.rows()[wrong].prdtypecode == 40
    shop.append("tuesday")
    assert shop.rows()[wrong].prdtypecode == 2583
    assert shop.check() == []


def test_a_product_accepted_again_before_its_retraction_was_carried_out_is_there_once(shop: Shop) -> None:
    again = ingested(shop, "Livre", 101)
    retract(shop, again)
    validate_again(shop, again, 40)
    assert shop.append("monday") == Appended("000002", 1, 3, retractions=1)
    assert shop.rows()[again].prdtypecode == 40
    assert prediction(shop, again).status == "ingested"
    assert shop.check() == []


def test_a_product_accepted_again_after_its_retraction_comes_back_to_its_split(shop: Shop) -> None:
    again = ingested(shop, "Livre", 101)
    before = shop.rows()[again]
    retract(shop, again)
    shop.append("monday")
    assert shop.rows() == {}
    validate_again(shop, again, 40)
    shop.append("tuesday")
    after = shop.rows()[again]
    assert (after.prdtypecode, after.cluster, after.split) == (40, before.cluster, before.split)
    assert shop.check() == []


def test_a_correction_is_never_claimed_by_halves(shop: Shop) -> None:
    wrong = [ingested(shop, f"Livre {number}", 101 + number) for number in range(3)]
    for prediction_id in wrong:
        correct(shop, prediction_id, 40)
    batches = [shop.append(f"run {number}", max_rows=2) for number in range(2)]
    assert [(batch.rows, batch.retractions) for batch in batches if batch] == [(2, 2), (1, 1)]
    assert {row.prdtypecode for row in shop.rows().values()} == {40}
    assert shop.check() == []


def test_text_and_photo_of_an_erased_product_are_forgotten_with_its_row(shop: Shop) -> None:
    gone = ingested(shop, "Lettre privée", 101)
    erase(shop, gone)
    assert prediction(shop, gone).designation == "Lettre privée"
    shop.append("monday")
    row = prediction(shop, gone)
    assert (row.status, row.designation, row.description, row.image_sha256) == ("retracted", "", None, None)
    assert shop.rows() == {}
    assert shop.check() == []


def test_a_product_erased_while_its_batch_is_open_keeps_its_text_until_nothing_needs_it(shop: Shop) -> None:
    gone = shop.validated("Lettre privée", image=photo(101))
    shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")
    erase(shop, gone)
    shop.append("monday")
    assert shop.rows()[gone].designation == prediction(shop, gone).designation == "Lettre privée"
    shop.append("tuesday")
    assert (shop.rows(), prediction(shop, gone).designation) == ({}, "")
    assert shop.check() == []


def test_an_urgent_retraction_makes_a_batch_due(shop: Shop) -> None:
    patient = LoopSettings(min_rows=10, max_age_s=3600)
    gone = ingested(shop, "Livre", 101)
    assert not is_due(shop.sessions, patient, "monday")
    retract(shop, gone)
    assert is_due(shop.sessions, patient, "monday")


def test_retractions_count_towards_a_full_batch(shop: Shop) -> None:
    gone = ingested(shop, "Livre", 101)
    retract(shop, gone)
    with shop.sessions.begin() as session:
        session.query(Outbox).update({Outbox.urgent: False})
    assert not is_due(shop.sessions, LoopSettings(min_rows=2, max_age_s=3600), "monday")
    shop.validated("Jeu")
    assert is_due(shop.sessions, LoopSettings(min_rows=2, max_age_s=3600), "monday")


def test_a_product_that_lost_its_photo_waits_and_the_others_go_on(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    lost, other = shop.validated("Livre", image=photo(101)), shop.validated("Jeu", image=photo(102))
    path = ImageFolder(shop.store.images).path(prediction(shop, lost).image_sha256 or "")
    kept = path.read_bytes()
    path.unlink()
    with caplog.at_level(logging.WARNING):
        assert shop.append("monday") == Appended("000001", 1, 2)
    assert [(one.message, one.prediction, one.reason) for one in caplog.records] == [
        ("ingest.photo_missing", lost, "image.missing")
    ]
    assert set(shop.rows()) == {other}
    path.write_bytes(kept[:-1])
    assert shop.append("tuesday") is None
    path.write_bytes(kept)
    assert shop.append("wednesday") == Appended("000002", 1, 3)
    assert set(shop.rows()) == {lost, other}
    assert shop.check() == []


def test_lost_photos_do_not_fill_the_batches(shop: Shop) -> None:
    lost = [shop.validated(f"Livre {number}", image=photo(101 + number)) for number in range(3)]
    for prediction_id in lost:
        ImageFolder(shop.store.images).path(prediction(shop, prediction_id).image_sha256 or "").unlink()
    later = shop.validated("Jeu", image=photo(110))
    assert shop.append("monday", max_rows=2) == Appended("000001", 1, 2)
    assert set(shop.rows()) == {later}


def test_a_correction_without_its_photo_waits_whole(shop: Shop) -> None:
    wrong = ingested(shop, "Livre", 101)
    correct(shop, wrong, 40)
    path = ImageFolder(shop.store.images).path(prediction(shop, wrong).image_sha256 or "")
    kept = path.read_bytes()
    path.unlink()
    assert shop.append("monday") is None
    assert shop.rows()[wrong].prdtypecode == 10
    path.write_bytes(kept)
    shop.append("tuesday")
    assert shop.rows()[wrong].prdtypecode == 40


def test_a_photo_lost_after_the_claim_stops_the_batch_until_it_is_back(shop: Shop) -> None:
    lost, _ = shop.validated("Livre", image=photo(101)), shop.validated("Jeu")
    shop.run("append", "--run-key", "monday", failpoint="append.claimed:1:kill")
    path = ImageFolder(shop.store.images).path(prediction(shop, lost).image_sha256 or "")
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(LostPhoto, match=lost):
        shop.append("tuesday")
    assert shop.rows() == {}
    path.write_bytes(kept)
    assert shop.append("tuesday") == Appended("000001", 2, 2)
    assert shop.check() == []
