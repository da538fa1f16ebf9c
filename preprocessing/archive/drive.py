"""The archive as a folder in Google Drive.

Ids are asked for before anything is made, and kept by the caller: what was made by a call whose answer was lost is
met again as 409, which then means that it is there. Calls that Drive turns away for a while (403 for its limits,
429, 5xx, a broken connection) are repeated by the library at growing, random intervals. The scope ``drive.file``
lets us see what we made and nothing else.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urljoin

import httplib2
from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials
from google.oauth2.service_account import Credentials as ServiceAccount
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload, build_http

from core.settings import DriveSettings
from preprocessing.archive.parcel import FOLDER, MEDIA_TYPES, ArchiveUnavailable, Parcel

PLACE = "drive"
SCOPE = "https://www.googleapis.com/auth/drive.file"

_FOLDER_TYPE = "application/vnd.google-apps.folder"
_CHUNK = 1024 * 1024  # bytes a request; a multiple of 256 KiB, as Drive asks
_RETRIES = 6  # about two minutes in all, at the library's intervals
_UPLOADS = 3  # an upload whose session Drive has forgotten begins anew
_IDS_AT_ONCE = 1000
_SESSION_GONE = (404, 410)
_SHARED = {"supportsAllDrives": True}  # the folder may lie in a shared drive: a service account has no room of its own
_ON_SHARED = {**_SHARED, "includeItemsFromAllDrives": True}
_Result = TypeVar("_Result")


class BadCredentials(ArchiveUnavailable):
    """DRIVE_CREDENTIALS is neither a service account's key nor an authorised user's file."""

    code = "archive.bad_credentials"

    def __init__(self) -> None:
        super().__init__("DRIVE_CREDENTIALS must be the JSON of a service account's key or of an authorised user")


class DriveRefused(ArchiveUnavailable):
    """Drive answers, and does not do what was asked.

    Attributes:
        status: its HTTP status.
    """

    code = "archive.refused"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"Drive refuses ({status}): {reason}")
        self.status = status


class _Upload(MediaIoBaseUpload):
    """Hands chunks over as bytes. As a stream, a chunk that is sent a second time would be empty: it has been read."""

    def has_stream(self) -> bool:
        return False


class DriveArchive:
    """Parcels as folders: the configured folder, a folder a day, a folder a parcel.

    Args:
        service: the library's client of Drive, signed in.
        root: id of the configured folder.
    """

    place = PLACE

    def __init__(self, service: Any, root: str) -> None:
        self._service = service
        self._files = service.files()
        self._root = root
        self._made: set[str] = set()  # folders this process has seen made

    @classmethod
    def connect(cls, settings: DriveSettings) -> "DriveArchive":
        """Sign in with the configured credentials; nothing is sent yet.

        Raises:
            BadCredentials: they cannot be used.
        """
        if settings.credentials is None or settings.folder is None:
            raise BadCredentials
        credentials = _credentials(settings.credentials.get_secret_value())
        document = json.loads(get_static_doc("drive", "v3"))
        document["rootUrl"] = settings.endpoint  # uploads go there too, which an api_endpoint would not change
        document["baseUrl"] = urljoin(settings.endpoint, document["servicePath"])
        service = build_from_document(document, http=AuthorizedHttp(credentials, http=build_http()))
        return cls(service, settings.folder)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def reserve(self, count: int) -> list[str]:
        """Ids that nothing in Drive has yet.

        Raises:
            ArchiveUnavailable: Drive does not answer, or refuses.
        """
        ids: list[str] = []
        while len(ids) < count:
            wanted = min(count - len(ids), _IDS_AT_ONCE)
            ids += self._ask(self._files.generateIds(count=wanted, space="drive"))["ids"]
        return ids

    def store(self, parcel: Parcel, day_folder: str, ids: Mapping[str, str]) -> None:
        """Upload a parcel; what is there already stays as it is.

        Raises:
            ArchiveUnavailable: Drive does not answer, or refuses.
        """
        self._make_folder(day_folder, parcel.day, self._root)
        self._make_folder(ids[FOLDER], parcel.name, day_folder)
        for name, data in parcel.files.items():
            self._upload(ids[name], name, data, ids[FOLDER])

    def remove(self, parcel: Parcel, ids: Mapping[str, str]) -> None:
        """Delete a parcel's files and its folder for good, past the bin.

        Raises:
            ArchiveUnavailable: Drive does not answer, or refuses.
        """
        for name in sorted(ids, key=lambda name: name == FOLDER):  # the folder last
            self._ask(self._files.delete(fileId=ids[name], **_SHARED), fine=404)

    def parcels(self) -> Iterator[Parcel]:
        """Every parcel, in the order of day and name.

        Raises:
            ArchiveUnavailable: Drive does not answer, or refuses.
        """
        for day in self._children(self._root, folders=True):
            for folder in self._children(day["id"], folders=True):
                files = self._children(folder["id"], folders=False)
                yield Parcel(day["name"], folder["name"], {file["name"]: self._download(file["id"]) for file in files})

    def _make_folder(self, folder_id: str, name: str, parent: str) -> None:
        if folder_id not in self._made:
            body = {"id": folder_id, "name": name, "parents": [parent], "mimeType": _FOLDER_TYPE}
            self._ask(self._files.create(body=body, fields="id", **_SHARED), fine=409)
            self._made.add(folder_id)

    def _upload(self, file_id: str, name: str, data: bytes, parent: str) -> None:
        body = {"id": file_id, "name": name, "parents": [parent]}

        def upload() -> None:
            media = _Upload(io.BytesIO(data), MEDIA_TYPES[name], chunksize=_CHUNK, resumable=True)
            request = self._files.create(body=body, media_body=media, fields="id", **_SHARED)
            while request.next_chunk(num_retries=_RETRIES)[1] is None:
                pass

        for left in reversed(range(_UPLOADS)):
            try:
                _tell(upload, fine=409)
                return
            except DriveRefused as error:
                if not left or error.status not in _SESSION_GONE:
                    raise

    def _download(self, file_id: str) -> bytes:
        data = io.BytesIO()
        download = MediaIoBaseDownload(data, self._files.get_media(fileId=file_id, **_SHARED), chunksize=_CHUNK)
        while not _tell(lambda: download.next_chunk(num_retries=_RETRIES)[1]):
            pass
        return data.getvalue()

    def _children(self, parent: str, *, folders: bool) -> list[dict[str, Any]]:
        kind = "=" if folders else "!="
        query = f"'{parent}' in parents and mimeType {kind} '{_FOLDER_TYPE}' and trashed = false"
        found: list[dict[str, Any]] = []
        page: str | None = None
        while True:
            asked = {"q": query, "pageSize": 1000, "pageToken": page, "fields": "nextPageToken, files(id, name)"}
            answer = self._ask(self._files.list(**asked, **_ON_SHARED))
            found += answer["files"]
            page = answer.get("nextPageToken")
            if page is None:
                return sorted(found, key=lambda file: file["name"])

    def _ask(self, request: Any, *, fine: int | None = None) -> Any:
        """Drive's answer; None where its refusal has the status ``fine``."""
        return _tell(lambda: request.execute(num_retries=_RETRIES), fine)


_LOST = (OSError, httplib2.HttpLib2Error, GoogleAuthError)


def _tell(call: Callable[[], _Result], fine: int | None = None) -> _Result | None:
    """What ``call`` returns; None where Drive's refusal has the status ``fine``.

    Raises:
        ArchiveUnavailable: Drive does not answer, or refuses otherwise.
    """
    try:
        return call()
    except HttpError as error:
        if error.status_code == fine:
            return None
        raise DriveRefused(error.status_code, str(error.reason)) from error
    except _LOST as error:
        raise ArchiveUnavailable(f"Drive does not answer: {type(error).__name__}: {error}") from error


def _credentials(text: str) -> Credentials | ServiceAccount:
    try:
        info = json.loads(text)
        makers = {
            "service_account": ServiceAccount.from_service_account_info,
            "authorized_user": Credentials.from_authorized_user_info,
        }
        return makers[info["type"]](info, scopes=[SCOPE])
    except (ValueError, KeyError, TypeError) as error:
        raise BadCredentials from error
