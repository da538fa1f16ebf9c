"""Verdicts, work and rows that do not fit together are found, each by the name of its invariant."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.consistency import Batch, Staged, Staging
from core.store import fsck, manifests
from core.store.manifests import Tombstone, append_segment
from core.store.segments import segment_name, write_segment
from tests.unit.core.store.store_samples import batch, ingested, photos, row, staged, store, work

APPEND = work("append", 2, 1, 0)
"""What brought the row of p4, the prediction that every test here looks at."""
FIRST = batch(1, 2, manifest=2)


@pytest.fixture
def training(tmp_path: Path) -> Path:
    return store(tmp_path)


def retract_row(training: Path, *, then: int | None = None) -> None:
    """Publish manifest 3 without p4's row; with ``then``, its code, with a new one in segment 2."""
    second = manifests.read(training, 2)
    stones = (Tombstone("000001", 0),)
    new = ()
    if then is not None:
        rows = [row(4, validated=True, code=then)]
        new = (write_segment(training, segment_name(2), rows, photos(rows)),)
    third = replace(second, number=3, parent=second.sha256, segments=(*second.segments, *new), tombstones=stones)
    manifests.publish(training, third)


def found(training: Path, p4: Staged, *batches: Batch, **others: Staged) -> list[str]:
    known = {"p4": p4, "p5": ingested(1, 1, cluster="c5"), **others}
    staging = Staging(known, (FIRST, *batches))
    return [str(one) for one in fsck.check(training, read_staging=lambda: staging)]


def names(violations: list[str]) -> list[str]:
    return [line[:2] for line in violations]


SOUND = {
    "ingested": ingested(1, 0),
    "correction waits": staged(
        "ingested", 3, "correct", APPEND, work("retract", 3), work("append", 3, code=20), accepted=20, code=20
    ),
    "retraction waits": staged("retracted", 3, "retract", APPEND, work("retract", 3)),
    "reopened before it was retracted": staged("pending", 4, "reopen", APPEND, work("retract", 3)),
    "validated again before it was retracted": staged(
        "validated", 5, "validate", APPEND, work("retract", 3), work("append", 5)
    ),
}


@pytest.mark.parametrize("state", SOUND)
def test_a_row_stays_until_its_retraction_is_claimed(training: Path, state: str) -> None:
    assert found(training, SOUND[state]) == []


@pytest.mark.parametrize("state", SOUND)
def test_a_row_that_vanishes_before_that_breaks_i2(training: Path, state: str) -> None:
    retract_row(training)
    (line,) = found(training, SOUND[state])
    assert line.startswith("I2  prediction p4 segment 000001 row 0: version 2 was ingested, and the view does not")


@pytest.mark.parametrize("published", [False, True])
def test_a_claimed_retraction_may_or_may_not_be_published_yet(training: Path, *, published: bool) -> None:
    if published:
        retract_row(training)
    claimed = staged("retracted", 3, "retract", APPEND, work("retract", 3, 2, done=False))
    assert found(training, claimed, batch(2, 0, retractions=1, manifest=None)) == []


def test_a_retracted_row_that_is_still_there_breaks_i8(training: Path) -> None:
    gone = staged("retracted", 3, "retract", APPEND, work("retract", 3, 2))
    closed = batch(2, 0, retractions=1, manifest=2)
    (line,) = found(training, gone, closed)
    assert line == "I8  prediction p4 segment 000001 row 0: it was retracted, and the view still holds it"
    retract_row(training)
    assert found(training, gone, closed) == []


def test_a_correction_takes_the_old_row_out_and_brings_the_new_one(training: Path) -> None:
    done = (APPEND, work("retract", 3, 2), work("append", 3, 2, 0, code=20))
    corrected = staged("ingested", 3, "correct", *done, accepted=20, code=20)
    closed = batch(2, 1, retractions=1, manifest=3)
    retract_row(training, then=20)
    assert found(training, corrected, closed) == []


def test_a_corrected_row_with_the_old_code_breaks_i4(training: Path) -> None:
    done = (APPEND, work("retract", 3, 2), work("append", 3, 2, 0, code=20))
    retract_row(training, then=10)
    (line,) = found(
        training,
        staged("ingested", 3, "correct", *done, accepted=20, code=20),
        batch(2, 1, retractions=1, manifest=3),
    )
    assert line == "I4  segment 000002 row 0: prediction p4 was accepted as 20, the row says 10"


def test_an_old_and_a_new_row_at_once_break_i2(training: Path) -> None:
    rows = [row(4, validated=True)]
    append_segment(training, write_segment(training, "000002", rows, photos(rows)), taxonomy_version="t1")
    twice = staged(
        "validated", 5, "validate", APPEND, work("retract", 3, 2, done=False), work("append", 5, 2, 0, done=False)
    )
    assert names(found(training, twice, batch(2, 1, retractions=1, manifest=None))) == ["I2", "I2"]


def test_a_row_without_its_prediction_breaks_i3(training: Path) -> None:
    staging = Staging({"p5": ingested(1, 1, cluster="c5")}, (batch(1, 2, manifest=2),))
    lines = [str(one) for one in fsck.check(training, read_staging=lambda: staging)]
    assert lines[0] == "I3  segment 000001 row 0: prediction p4 was not validated for it"
    assert names(lines[1:]) == ["I1"]  # the claim had two rows


def test_a_row_that_another_prediction_was_given_breaks_i3(training: Path) -> None:
    swapped = [ingested(1, 1, cluster="c4"), ingested(1, 0, cluster="c5")]
    lines = found(training, swapped[0], p5=swapped[1])
    assert [line for line in lines if "was not validated for it" in line] == [
        "I3  segment 000001 row 0: prediction p4 was not validated for it",
        "I3  segment 000001 row 1: prediction p5 was not validated for it",
    ]


def test_a_segment_that_nobody_claimed_breaks_i3(training: Path) -> None:
    rows = [row(6, validated=True)]
    append_segment(training, write_segment(training, "000002", rows, photos(rows)), taxonomy_version="t1")
    assert found(training, ingested(1, 0)) == [
        "I3  segment 000002 row 0: prediction p6 was not validated for it",
        "I3  segment 000002: no claim asked for it",
    ]


@pytest.mark.parametrize(("status", "version", "action"), [("pending", 3, "undo"), ("rejected", 4, "reject")])
def test_a_claimed_row_whose_verdict_was_undone_breaks_i3(
    training: Path, status: str, version: int, action: str
) -> None:
    archive = [work("archive", version)] if status == "rejected" else []
    (line,) = found(training, staged(status, version, action, APPEND, *archive))
    assert line.startswith("I3  prediction p4")
    assert line.endswith("version 2 went into segment 1, and nothing takes it back")


@pytest.mark.parametrize("changed", [{"split": "fresh"}, {"cluster": "c9"}])
def test_a_row_in_another_place_than_it_was_given_at_intake_breaks_i4(training: Path, changed: dict[str, str]) -> None:
    (line,) = found(training, replace(ingested(1, 0), **changed))
    assert line.startswith("I4  segment 000001 row 0: prediction p4 belongs to")


WAITING = work("append", 2)
GONE = work("append", 2, 1, 0)
BROKEN_WORK = {
    "and no append of it waits": [
        staged("validated", 2, "validate"),
        staged("validated", 2, "validate", work("append", 2, 1, 0)),
        staged("validated", 4, "validate", WAITING),
    ],
    "and no append of it was asked for": [
        staged("ingested", 2, "validate"),
        staged("ingested", 3, "correct", GONE, work("retract", 3)),
    ],
    "and no append of it is done": [
        staged("ingested", 2, "validate", WAITING),
        staged("ingested", 3, "correct", work("append", 2, 1, 0, done=False), work("append", 3)),
    ],
    "and its append is not done": [
        staged("ingested", 2, "validate", WAITING),
        staged("ingested", 5, "validate", GONE, work("retract", 3, 2), work("append", 5)),
    ],
    "and no archiving of it waits": [staged("rejected", 2, "reject")],
    "and no archiving of it is done": [staged("archived", 2, "reject", work("archive", 2))],
    "and an append of version 2 still waits": [
        staged("pending", 3, "undo", WAITING),
        staged("retracted", 3, "retract", WAITING),
        staged("validated", 4, "validate", WAITING, work("append", 4)),
    ],
    "and an archive of version 2 still waits": [staged("pending", 3, "undo", work("archive", 2))],
    "and its retract of version 2 was done by no batch": [
        staged("validated", 2, "validate", WAITING, work("retract", 2, done=True))
    ],
    "it has version 3, and 1 of its 2 verdicts are left": [
        staged("validated", 3, "validate", work("append", 3), verdicts=1)
    ],
    "it is validated, its last verdict says reject": [staged("validated", 2, "reject", WAITING)],
}


@pytest.mark.parametrize("message", BROKEN_WORK)
def test_a_verdict_without_its_work_and_work_without_its_verdict_break_i1(tmp_path: Path, message: str) -> None:
    for state in BROKEN_WORK[message]:
        staging = Staging({"p9": state}, ())
        lines = [str(one) for one in fsck.check(tmp_path, read_staging=lambda staging=staging: staging)]
        assert any(line.startswith("I1  prediction p9: ") and line.endswith(message) for line in lines), lines


SOUND_WORK = {
    "pending, modified": staged("pending", 3, "modify"),
    "pending, undone": staged("pending", 3, "undo"),
    "validated": staged("validated", 2, "validate", WAITING),
    "rejected": staged("rejected", 2, "reject", work("archive", 2)),
    "archived": staged("archived", 2, "reject", work("archive", 2, done=True)),
    "retracted before it was claimed": staged("retracted", 3, "retract"),
    "retracted, reopened, rejected": staged("rejected", 5, "reject", work("archive", 5)),
}


@pytest.mark.parametrize("state", SOUND_WORK)
def test_work_that_fits_its_verdict_breaks_nothing(tmp_path: Path, state: str) -> None:
    staging = Staging({"p9": SOUND_WORK[state]}, ())
    assert fsck.check(tmp_path, read_staging=lambda: staging) == []


def test_a_code_that_nobody_accepted_breaks_i4(tmp_path: Path) -> None:
    staging = Staging({"p9": staged("validated", 2, "validate", WAITING, code=20)}, ())
    (line,) = fsck.check(tmp_path, read_staging=lambda: staging)
    assert str(line) == "I4  prediction p9: it was accepted as 10, and says 20"


def test_an_erased_text_that_is_still_there_breaks_i8_once_nothing_waits(training: Path) -> None:
    retract_row(training)
    closed = batch(2, 0, retractions=1, manifest=3)
    gone = staged("retracted", 3, "retract", APPEND, work("retract", 3, 2), erase=True)
    assert names(found(training, gone, closed)) == ["I8"]
    assert found(training, replace(gone, blank=True), closed) == []
    claimed = replace(gone, work=(APPEND, work("retract", 3, 2, done=False)))
    assert found(training, claimed, replace(closed, manifest=None)) == []


def test_a_batch_is_in_the_store_as_it_was_claimed(training: Path) -> None:
    assert found(training, ingested(1, 0), batch(2, 0, manifest=9)) == [
        "I5  segment claim 2: it is ingested by manifest 9, which is not there"
    ]
    lost = found(training, ingested(1, 0), batch(2, 1, manifest=2), p9=ingested(2, 0))
    assert sorted(names(lost)) == ["I2", "I2"]
    early = Staging({"p4": ingested(1, 0), "p5": ingested(1, 1, cluster="c5")}, (batch(1, 2, manifest=1),))
    assert [str(one) for one in fsck.check(training, read_staging=lambda: early)] == [
        "I5  segment claim 1: manifest 1 does not name its segment yet"
    ]


def test_a_batch_has_as_many_rows_in_the_store_as_were_claimed(training: Path) -> None:
    extra = staged("validated", 2, "validate", work("append", 2, 1, 2, done=False))
    known = {"p4": ingested(1, 0), "p5": ingested(1, 1, cluster="c5"), "p9": extra}
    staging = Staging(known, (batch(1, 3, manifest=2),))
    assert [str(one) for one in fsck.check(training, read_staging=lambda: staging)] == [
        "I5  segment claim 1: it was claimed with 3 rows, the manifest says 2"
    ]


def test_claims_and_their_work_agree(tmp_path: Path) -> None:
    claimed = [staged("validated", 2, "validate", work("append", 2, 3, at, done=False)) for at in (0, 0)]
    staging = Staging(dict(zip("ab", claimed, strict=True)), (batch(1, 0, manifest=None), batch(3, 2, manifest=None)))
    lines = [str(one) for one in fsck.check(tmp_path, read_staging=lambda: staging)]
    assert lines == [
        "I1  segment claim 2: its claim is missing",
        "I1  segment claim 3: it was claimed with 2 rows, the outbox gives rows to 2 appends, not 0 to 1 once each",
    ]
    short = Staging({}, (batch(1, 0, retractions=1, manifest=None),))
    assert names([str(one) for one in fsck.check(tmp_path, read_staging=lambda: short)]) == ["I1"]
