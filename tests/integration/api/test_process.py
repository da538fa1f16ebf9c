"""The real process with a real package: it starts, answers, follows the ledger, and stops."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.settings import ServiceSettings
from core.db.repositories import promotions
from core.db.session import make_engine, make_sessions
from preprocessing.images import sanitise
from tests.integration.api.packaged import TAXONOMY_VERSION, TITLES, write_tiny_model
from tests.integration.api.toys import PASSWORD
from tests.integration.conftest import same_on_any_database

HEAVY = ("tensorflow", "keras", "mlflow", "airflow")


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environment(settings: ServiceSettings, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "DB_URL": settings.database.url.get_secret_value(),
        "STORE_ROOT": str(settings.store.root),
        "AUTH_KEY": "0123456789abcdefghijklmnopqrstuv-KEY",
        "SERVING_PORT": str(port),
        "SERVING_POLL_S": "0.05",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture
def sha(settings: ServiceSettings, photo: bytes) -> str:
    clean = sanitise(photo, max_bytes=10**6, max_pixels=10**6)
    return write_tiny_model(settings.store.packages, clean.data)


def promote(settings: ServiceSettings, sha: str, *, epoch: int) -> None:
    engine = make_engine(settings.database)
    with make_sessions(engine).begin() as session:
        promotions.promote(
            session,
            expected_epoch=epoch - 1,
            models={"fusion": sha},
            actor="test",
            reason="a test",
            kind="gate",
            gate_report=None,
            run_id=None,
            manifest=1,
            taxonomy_version=TAXONOMY_VERSION,
        )
    engine.dispose()


@pytest.fixture
def process(environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``python -m api``, which is stopped as an operator stops it."""
    with (tmp_path / "api.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "api"], env=environment, stderr=log, stdout=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
    lines = (tmp_path / "api.log").read_text(encoding="utf-8").splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert "request.failed" not in events


@pytest.fixture
def http(process: subprocess.Popen[bytes], port: int) -> Iterator[httpx.Client]:
    """A client of the process."""
    transport = httpx.HTTPTransport(retries=8)  # waits longer before each of them
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=30) as client:
        yield client


def sign_in(http: httpx.Client, username: str) -> dict[str, str]:
    token = http.post("/token", data={"username": username, "password": PASSWORD}).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def wait_for_epoch(http: httpx.Client, epoch: int) -> None:
    for _ in range(2000):
        answer = http.get("/readyz")
        if answer.status_code == 200 and answer.json()["epoch"] == epoch:
            return
        time.sleep(0.01)
    raise AssertionError(f"epoch {epoch} was never served: {answer.text}")


def test_a_started_process_predicts_reviews_and_follows_the_ledger(
    http: httpx.Client, settings: ServiceSettings, sha: str, photo: bytes
) -> None:
    assert http.get("/livez").status_code == 200
    assert http.get("/readyz").status_code == 503
    promote(settings, sha, epoch=1)
    wait_for_epoch(http, 1)
    headers, reviewer = (sign_in(http, username) for username in ("carla", "remy"))

    answer = http.post("/predict", data={"designation": TITLES[1]}, files={"image": photo}, headers=headers)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["prdtypecode"], body["modality"]) == (40, "text+image")
    assert body["model"] == {"name": "fusion", "version": sha, "epoch": 1}
    assert set(body["experts"]) == {"lexical", "appearance"}
    assert abs(sum(candidate["confidence"] for candidate in body["top_k"]) - 1) < 1e-6
    text_only = http.post("/predict", data={"designation": TITLES[2]}, headers=headers).json()
    assert (text_only["prdtypecode"], text_only["modality"]) == (2060, "text-only")
    verdict = http.post(f"/predictions/{body['id']}/validate", json={"accept": True}, headers=reviewer)
    assert verdict.json()["status"] == "validated"

    promote(settings, sha, epoch=2)
    wait_for_epoch(http, 2)
    assert http.post("/predict", data={"designation": "x y z"}, headers=headers).json()["model"]["epoch"] == 2


@same_on_any_database
def test_a_changed_package_is_refused_and_the_old_one_keeps_answering(
    http: httpx.Client, settings: ServiceSettings, sha: str
) -> None:
    promote(settings, sha, epoch=1)
    wait_for_epoch(http, 1)
    folder = settings.store.packages / sha
    other = settings.store.packages / ("0" * 64)
    folder.rename(other)  # a folder whose name is not what it holds
    promote(settings, "0" * 64, epoch=2)
    for _ in range(2000):
        ready = http.get("/readyz").json()
        if ready["refused_epoch"] is not None:
            break
        time.sleep(0.01)
    assert (ready["epoch"], ready["refused_epoch"], ready["refused_code"]) == (1, 2, "package.corrupt")


@same_on_any_database
def test_headers_without_end_are_cut_off(http: httpx.Client, port: int) -> None:
    assert http.get("/livez").status_code == 200
    with socket.create_connection(("127.0.0.1", port)) as connection, pytest.raises(ConnectionError):
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Endless: " + b"a" * 64 * 1024 * 1024)
    assert http.get("/livez").status_code == 200


@same_on_any_database
@pytest.mark.parametrize("key", [None, "", "too short"])
def test_without_a_key_it_refuses_to_start_and_says_what_to_do(environment: dict[str, str], key: str | None) -> None:
    without = {name: value for name, value in environment.items() if name != "AUTH_KEY"}
    env = without if key is None else {**without, "AUTH_KEY": key}
    refused = subprocess.run([sys.executable, "-m", "api"], env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "AUTH_KEY_FILE" in refused.stderr
    assert "Traceback" not in refused.stderr


@same_on_any_database
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"AUTH_KEY": "k" * 64}, "made of a few bytes"),
        ({"AUTH_KEY": "your-256-bit-secret-goes-right-here-0123"}, "an example's"),
        ({"AUTH_KEY_FILE": "/no/such/key"}, "No such file"),
        ({"DB_URL": "mysql+pymysql://etalon:etalon@db.internal/etalon"}, "DB_URL holds no password, or one that"),
    ],
)
def test_with_a_known_secret_or_none_it_refuses_to_start(
    environment: dict[str, str], change: dict[str, str], said: str
) -> None:
    kept = {name: value for name, value in environment.items() if name != "AUTH_KEY" or "AUTH_KEY_FILE" not in change}
    refused = subprocess.run(
        [sys.executable, "-m", "api"], env={**kept, **change}, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not any(value in refused.stderr for value in change.values() if value.startswith(("k", "your", "mysql")))


@same_on_any_database
def test_no_training_library_is_ever_loaded(environment: dict[str, str], settings: ServiceSettings, sha: str) -> None:
    promote(settings, sha, epoch=1)
    script = (
        "import sys, api.app\n"
        "from core.domain.product import Product\n"
        "app = api.app.create_app()\n"
        "serving = app.state.parts.serving\n"
        "serving.poll()\n"
        "print(serving.release().model(None)[1].predict([Product('a lamp')])[0].prdtypecode)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1] == "[]"


def wait_until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


def answer_to(connection: socket.socket) -> bytes:
    """Everything that comes until the server closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@same_on_any_database
def test_whoever_was_let_in_before_sigterm_is_answered_and_told_to_leave(
    http: httpx.Client, process: subprocess.Popen[bytes], port: int
) -> None:
    assert http.get("/livez").headers.get("connection") is None
    silent = socket.create_connection(("127.0.0.1", port))
    talking = socket.create_connection(("127.0.0.1", port))
    talking.sendall(b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n")
    talking.sendall(b"Content-Length: 40\r\n\r\nusername=nobody&pass")
    process.send_signal(signal.SIGTERM)
    wait_until(lambda: httpx.get(f"{http.base_url}/livez").headers.get("connection") == "close")
    assert httpx.get(f"{http.base_url}/readyz").json()["code"] == "service.draining"
    time.sleep(0.6)  # the grace period is over, the listener is about to close
    talking.sendall(b"word=wrong wrong 123")
    silent.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection, status in ((talking, b"401"), (silent, b"200")):
        answer = answer_to(connection)
        assert answer.startswith(b"HTTP/1.1 " + status), answer
        assert b"connection: close" in answer.lower()
        connection.close()
    process.wait(timeout=10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def workers_of(process: subprocess.Popen[bytes]) -> set[int]:
    """The processes that it started as ``python -m api``; photo decoders are theirs, not its."""
    return set(map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()))


def is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def two_workers(environment: dict[str, str]) -> None:
    environment["SERVING_WORKERS"] = "2"


@same_on_any_database
@pytest.mark.usefixtures("two_workers")
def test_a_worker_that_is_killed_is_replaced_and_nobody_is_refused(
    http: httpx.Client, process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    wait_until(lambda: len(workers_of(process)) == 2)
    wait_until(lambda: (tmp_path / "api.log").read_text(encoding="utf-8").count("Application startup complete") == 2)
    killed = min(workers_of(process))
    os.kill(killed, signal.SIGKILL)
    for _ in range(20):
        assert httpx.get(f"{http.base_url}/livez").status_code == 200
    wait_until(lambda: len(workers_of(process) - {killed}) == 2)
    workers = workers_of(process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert not any(map(is_running, workers))


@same_on_any_database
@pytest.mark.usefixtures("two_workers")
def test_a_worker_accepts_nobody_before_it_serves_the_release(
    http: httpx.Client, settings: ServiceSettings, sha: str, process: subprocess.Popen[bytes]
) -> None:
    promote(settings, sha, epoch=1)
    wait_for_epoch(http, 1)
    for _ in range(2):
        os.kill(min(workers_of(process)), signal.SIGKILL)
        until = time.monotonic() + 6.0  # its successor comes up meanwhile
        while time.monotonic() < until:
            answer = httpx.get(f"{http.base_url}/readyz")
            assert answer.status_code == 200, answer.text


@same_on_any_database
@pytest.mark.usefixtures("two_workers")
def test_workers_do_not_outlive_whoever_started_them(http: httpx.Client, process: subprocess.Popen[bytes]) -> None:
    assert http.get("/livez").status_code == 200
    workers = workers_of(process)
    assert len(workers) == 2
    process.kill()
    wait_until(lambda: not any(map(is_running, workers)))


@same_on_any_database
@pytest.mark.usefixtures("two_workers")
def test_workers_that_cannot_start_are_given_up(environment: dict[str, str]) -> None:
    environment["STORE_ROOT"] = "/proc/no such folder"
    refused = subprocess.run(
        [sys.executable, "-m", "api"], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert refused.returncode == 1
    assert "a worker could not start" in refused.stderr
