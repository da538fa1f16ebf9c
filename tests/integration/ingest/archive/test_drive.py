"""The real client library against Drive's HTTP interface, faults included."""

import json
from collections.abc import Callable
from contextlib import closing

import google.oauth2.credentials
import pytest

from core.settings import DriveSettings
from preprocessing.archive.drive import SCOPE, BadCredentials, DriveArchive
from preprocessing.archive.parcel import FOLDER, PHOTO, PRODUCT, ArchiveUnavailable, Parcel
from tests.toys.drive import FakeDrive, Fault

Connect = Callable[..., DriveArchive]
BIG = bytes(range(256)) * 10_000  # three chunks
PARCEL = Parcel("2026-11-21", "a-v2", {PRODUCT: b'{"designation": "x"}', PHOTO: BIG})
TRANSIENT = [fault for fault in Fault if fault not in (Fault.FORBIDDEN, Fault.SESSION_FORGOTTEN)]


def reserve(archive: DriveArchive) -> tuple[str, dict[str, str]]:
    day, folder, product, photo = archive.reserve(4)
    return day, {FOLDER: folder, PRODUCT: product, PHOTO: photo}


def stored(drive: FakeDrive) -> None:
    assert drive.drive.tree() == {f"2026-11-21/a-v2/{name}": data for name, data in PARCEL.files.items()}


def test_a_parcel_becomes_a_folder_of_its_day(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    archive.store(PARCEL, *reserve(archive))
    stored(drive)
    assert drive.drive.scopes == [SCOPE]


def test_storing_again_from_another_process_changes_nothing(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    address = reserve(archive)
    archive.store(PARCEL, *address)
    connect().store(PARCEL, *address)
    stored(drive)


def requests_of_one_parcel(connect: Connect, drive: FakeDrive) -> int:
    archive = connect()
    archive.store(PARCEL, *reserve(archive))
    return len(drive.drive.requests)


@pytest.mark.parametrize("fault", TRANSIENT, ids=lambda fault: fault.name)
def test_a_passing_fault_at_any_request_leaves_the_parcel_there_once(
    connect: Connect, drive: FakeDrive, fault: Fault
) -> None:
    usual = requests_of_one_parcel(connect, drive)
    for number in range(1, usual + 1):
        with FakeDrive() as other:
            archive = connect(other)
            other.drive.faults = {number: fault}
            archive.store(PARCEL, *reserve(archive))
            stored(other)
            assert len(other.drive.struck) == 1


def test_a_forgotten_upload_begins_anew(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    address = reserve(archive)
    drive.drive.faults = {7: Fault.SESSION_FORGOTTEN}  # a chunk of the photo
    archive.store(PARCEL, *address)
    stored(drive)
    assert drive.drive.struck == [Fault.SESSION_FORGOTTEN]


def test_a_refusal_that_stays_is_told_and_not_repeated(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    address = reserve(archive)
    drive.drive.faults = {2: Fault.FORBIDDEN}
    with pytest.raises(ArchiveUnavailable, match=r"403.*insufficientFilePermissions"):
        archive.store(PARCEL, *address)
    assert len(drive.drive.requests) == 2


def test_a_drive_that_stays_away_is_given_up(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    drive.drive.faults = dict.fromkeys(range(1, 20), Fault.AWAY)
    with pytest.raises(ArchiveUnavailable, match="503"):
        archive.reserve(1)
    assert len(drive.drive.requests) == 7


def test_removing_takes_files_and_folder_and_may_be_repeated(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    day, ids = reserve(archive)
    archive.store(PARCEL, day, ids)
    archive.remove(PARCEL, ids)
    archive.remove(PARCEL, ids)
    assert drive.drive.tree() == {}
    assert ids[FOLDER] not in drive.drive.files


def test_the_archive_is_read_back_page_by_page_and_chunk_by_chunk(connect: Connect, drive: FakeDrive) -> None:
    archive = connect()
    day, _ = reserve(archive)
    parcels = [Parcel("2026-11-21", f"{name}-v2", {PRODUCT: name.encode(), PHOTO: BIG}) for name in "edcba"]
    for parcel in parcels:
        ids = dict(zip((FOLDER, PRODUCT, PHOTO), archive.reserve(3), strict=True))
        archive.store(parcel, day, ids)
    assert list(connect().parcels()) == parcels[::-1]


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"type": "authorized_user"}', '{"type": "service_account"}', "s3"])
def test_credentials_that_are_none_are_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(BadCredentials) as refused:
        DriveArchive.connect(DriveSettings(credentials=text or " ", folder="f"))
    assert "s3" not in str(refused.value)


def test_a_person_s_own_credentials_sign_in_too(drive: FakeDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.oauth2.credentials, "_GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{drive.url}token")
    person = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    settings = DriveSettings(credentials=json.dumps(person), folder="f", endpoint=drive.url)
    with closing(DriveArchive.connect(settings)) as archive:
        assert archive.reserve(2) == ["id-0", "id-1"]
    assert drive.drive.scopes == [SCOPE]
