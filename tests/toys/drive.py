"""A stand-in for Google Drive's HTTP interface: what the archive asks of it, and the faults that Drive really has.

It keeps files in memory, speaks the resumable upload protocol, refuses an id that is taken (409), and shows a caller
nothing that was not made with its own scope, as ``drive.file`` does. Faults are planned by the number of the request.
"""

import base64
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

FOLDER_TYPE = "application/vnd.google-apps.folder"
ROOT = "the-configured-folder"


class Fault(Enum):
    """What goes wrong with one request."""

    RATE_LIMIT = "403 userRateLimitExceeded"
    TOO_MANY = "429"
    BROKEN = "500"
    BAD_GATEWAY = "502"
    AWAY = "503"
    HANGS_UP = "the connection is closed before anything is done"
    ANSWER_LOST = "it is done, and the connection is closed before the answer"
    HALF_TAKEN = "of a chunk only the first half is taken"
    SESSION_FORGOTTEN = "the upload's session is gone: 404"
    FORBIDDEN = "403 insufficientFilePermissions: it will not help to ask again"


STATUSES = {Fault.TOO_MANY: 429, Fault.BROKEN: 500, Fault.BAD_GATEWAY: 502, Fault.AWAY: 503}
REASONS = {Fault.RATE_LIMIT: "userRateLimitExceeded", Fault.FORBIDDEN: "insufficientFilePermissions"}


@dataclass
class File:
    """A file or folder. ``data`` grows while it is uploaded, and ``whole`` says that it is there."""

    name: str
    parents: list[str]
    kind: str
    data: bytes = b""
    whole: bool = False


@dataclass
class Drive:
    """What lies in the drive, and what will go wrong.

    Attributes:
        files: by id.
        faults: by the number of the request, counted from 1.
        requests: method and path of every request so far.
        scopes: what the tokens were asked for.
    """

    files: dict[str, File] = field(default_factory=lambda: {ROOT: File("archive", [], FOLDER_TYPE, whole=True)})
    faults: dict[int, Fault] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    struck: list[Fault] = field(default_factory=list)
    sessions: dict[str, str] = field(default_factory=dict)
    given: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tree(self) -> dict[str, bytes]:
        """Every whole file by its path below the configured folder."""
        return {
            self._path(one): file.data for one, file in self.files.items() if file.whole and file.kind != FOLDER_TYPE
        }

    def _path(self, file_id: str) -> str:
        file = self.files[file_id]
        parent = file.parents[0]
        return file.name if parent == ROOT else f"{self._path(parent)}/{file.name}"


class FakeDrive:
    """The server. ``url`` is what ``DRIVE_ENDPOINT`` is set to; the token address is ``url + "token"``."""

    def __init__(self) -> None:
        self.drive = Drive()
        handler = type("Handler", (_Handler,), {"drive": self.drive})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> "FakeDrive":
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer goes out in one piece
    drive: Drive

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/token":
            self._give_token(body)
            return
        with self.drive.lock:
            self.drive.requests.append(f"{self.command} {url.path}")
            fault = self.drive.faults.pop(len(self.drive.requests), None)
            if fault is Fault.HALF_TAKEN and self.command != "PUT":
                fault = Fault.ANSWER_LOST
            if fault is not None:
                self.drive.struck.append(fault)
            if fault is Fault.HANGS_UP:
                self.close_connection = True
                return
            answer = self._refusal(fault) or self._act(url.path, query, body, fault)
        if fault is Fault.ANSWER_LOST:
            self.close_connection = True
            return
        self._answer(*answer)

    def _refusal(self, fault: Fault | None) -> tuple[int, Any, dict[str, str]] | None:
        if fault in STATUSES:
            return _error(STATUSES[fault], "backendError")
        if fault in REASONS:
            return _error(403, REASONS[fault])
        return _error(404, "notFound") if fault is Fault.SESSION_FORGOTTEN else None

    def _act(
        self, path: str, query: Mapping[str, str], body: bytes, fault: Fault | None
    ) -> tuple[int, Any, dict[str, str]]:
        if not self.headers.get("authorization", "").startswith("Bearer token-"):
            return _error(401, "authError")
        named = re.fullmatch(r"/drive/v3/files/([^/]+)", path)
        match self.command, path:
            case "GET", "/drive/v3/files/generateIds":
                return self._generate(int(query["count"]))
            case "GET", "/drive/v3/files":
                return self._list(query)
            case "POST", "/drive/v3/files":
                return self._create(json.loads(body), whole=True)
            case "POST", "/upload/drive/v3/files":
                return self._begin(json.loads(body))
            case "PUT", _ if path.startswith("/session/"):
                return self._take_chunk(path, body, fault)
            case "GET", _ if named:
                return self._download(named[1])
            case "DELETE", _ if named:
                return self._delete(named[1])
            case _:
                return _error(400, "badRequest")

    def _generate(self, count: int) -> tuple[int, Any, dict[str, str]]:
        first = self.drive.given
        self.drive.given += count
        return 200, {"ids": [f"id-{number}" for number in range(first, first + count)]}, {}

    def _list(self, query: Mapping[str, str]) -> tuple[int, Any, dict[str, str]]:
        parent = re.search(r"'([^']+)' in parents", query["q"])
        wants_folders = "mimeType =" in query["q"]
        found = [
            {"id": one, "name": file.name}
            for one, file in self.drive.files.items()
            if file.whole and parent and parent[1] in file.parents and (file.kind == FOLDER_TYPE) == wants_folders
        ]
        start, size = int(query.get("pageToken", 0)), 2  # pages of two, however many are asked for: Drive may do so
        more = {"nextPageToken": str(start + size)} if start + size < len(found) else {}
        return 200, {"files": found[start : start + size], **more}, {}

    def _create(self, body: Mapping[str, Any], *, whole: bool) -> tuple[int, Any, dict[str, str]]:
        file_id = body["id"]
        if self.drive.files.get(file_id, File("", [], "")).whole:
            return _error(409, "fileIdInUse")
        if any(parent not in self.drive.files for parent in body["parents"]):
            return _error(404, "notFound")
        kind = body.get("mimeType") or self.headers.get("x-upload-content-type", "")
        self.drive.files[file_id] = File(body["name"], body["parents"], kind, whole=whole)
        return 200, {"id": file_id}, {}

    def _begin(self, body: Mapping[str, Any]) -> tuple[int, Any, dict[str, str]]:
        status, answer, headers = self._create(body, whole=False)
        if status != 200:
            return status, answer, headers
        session = f"/session/{len(self.drive.sessions)}"
        self.drive.sessions[session] = body["id"]
        return 200, {}, {"Location": f"http://{self.headers['host']}{session}"}

    def _take_chunk(self, path: str, body: bytes, fault: Fault | None) -> tuple[int, Any, dict[str, str]]:
        file_id = self.drive.sessions[path]
        file = self.drive.files[file_id]
        asked = re.fullmatch(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", self.headers["content-range"])
        assert asked, self.headers["content-range"]
        if asked[1] is not None and not file.whole:
            assert int(asked[1]) <= len(file.data), "a chunk is missing"
            new = body[len(file.data) - int(asked[1]) :]  # what is kept already is passed over
            file.data += new[: len(new) // 2] if fault is Fault.HALF_TAKEN else new
            file.whole = len(file.data) == int(asked[3])
        if file.whole:
            return 200, {"id": file_id}, {}
        return 308, None, {"Range": f"bytes=0-{len(file.data) - 1}"} if file.data else {}

    def _download(self, file_id: str) -> tuple[int, Any, dict[str, str]]:
        file = self.drive.files.get(file_id)
        if file is None or not file.whole:
            return _error(404, "notFound")
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"]).groups())  # type: ignore[union-attr]
        part = file.data[first : last + 1]
        return 206, part, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(file.data)}"}

    def _delete(self, file_id: str) -> tuple[int, Any, dict[str, str]]:
        if self.drive.files.pop(file_id, None) is None:
            return _error(404, "notFound")
        return 204, None, {}

    def _give_token(self, body: bytes) -> None:
        asked = parse_qs(body.decode())
        if "assertion" in asked:
            claims = asked["assertion"][0].split(".")[1]
            scope = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["scope"]
        else:
            scope = asked["scope"][0]
        self.drive.scopes.append(scope)
        self._answer(200, {"access_token": f"token-{len(self.drive.scopes)}", "expires_in": 3600}, {})

    def _answer(self, status: int, content: Any, headers: Mapping[str, str]) -> None:
        data = content if isinstance(content, bytes) else b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _error(status: int, reason: str) -> tuple[int, Any, dict[str, str]]:
    errors = [{"domain": "usageLimits", "reason": reason, "message": reason}]
    return status, {"error": {"code": status, "message": reason, "errors": errors}}, {}
