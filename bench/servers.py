"""The servers that are compared over HTTP: how each is started, and the request that each is sent."""

import base64
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Connection
from bench.shop import PROJECT, USER, Shop
from bench.tables import RESULTS, say

PEERS = Path(__file__).resolve().parent / "peers"
_LONGEST_START_S = 180.0
_STOP_S = 15.0

Product = tuple[str, str, bytes]  # title, description, photo file
Headers = Mapping[str, str]


@dataclass
class Server:
    """One running server.

    Attributes:
        name: as in the table.
        command: starts it.
        environment: it runs with.
        port: on the loopback interface.
        ready: the path that answers 200 once it can predict.
        want: the status of a good answer.
        log: what it writes.
    """

    name: str
    command: list[str]
    environment: Mapping[str, str]
    port: int
    ready: str
    want: int
    log: Path
    cwd: Path = PROJECT
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Start it, in a process group of its own, without waiting."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command, cwd=self.cwd, env=dict(self.environment), stdout=log, stderr=log, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its first process."""
        assert self._process is not None
        return self._process.pid

    def wait(self) -> None:
        """Wait until it is ready.

        Raises:
            RuntimeError: it ended, or took too long.
        """
        deadline = time.monotonic() + _LONGEST_START_S
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError, http.client.HTTPException):
                if status_of(self.port, self.ready) == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError(f"{self.name} did not start; see {self.log}")

    def cpu_s(self) -> float:
        """Seconds of processor that it and everything it started have used so far."""
        parents, used = {}, {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                process = int(stat.parent.name)
                parents[process], used[process] = int(fields[1]), int(fields[11]) + int(fields[12])

        def is_ours(process: int) -> bool:
            return process == self.pid or (process in parents and is_ours(parents[process]))

        return sum(ticks for process, ticks in used.items() if is_ours(process)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it and everything it started."""
        if self._process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        self._process = None


@contextlib.contextmanager
def running(servers: list[Server]) -> Iterator[None]:
    """Start them one after the other, wait for each, and end them all afterwards."""
    try:
        for server in servers:
            say(f"starting {server.name}")
            server.start()
            server.wait()
        yield
    finally:
        for server in servers:
            server.stop()


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status_of(port: int, path: str) -> int:
    """The status of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def our_api(shop: Shop, *, module: str = "api", name: str = "etalon", **settings: str) -> Server:
    """Our service on a copy of the shop; ``module`` may be the variant with Keras inside."""
    port = free_port()
    often = {"AUTH_REQUESTS_PER_MINUTE": "10000000"}  # one account asks for everybody
    environment = shop.environment(SERVING_PORT=str(port), **often, **settings)
    command = [sys.executable, "-m", module]
    return Server(name, command, environment, port, "/readyz", 201, shop.folder / f"{module}.log")


def mlflow_server(model: str, environment: Mapping[str, str], folder: Path, *, name: str) -> Server:
    """``mlflow models serve`` of a model, as its documentation shows, in our environment."""
    port = free_port()
    serve = ["models", "serve", "-m", model, "--env-manager", "local", "--port", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by its name
    command, log = [sys.executable, "-m", "mlflow", *serve], folder / f"{name.replace(' ', '-')}.log"
    return Server(name, command, {**environment, "PATH": path}, port, "/health", 200, log, cwd=folder)


def keras_in_mlflow(twin: Path) -> str:
    """The folder of the Keras model as an MLflow model, saved now if it was not."""
    folder = twin / "mlflow"
    if not folder.is_dir():
        save = (
            "import mlflow, sys; mlflow.pyfunc.save_model(sys.argv[1], python_model='mlflow_keras.py',"
            " code_paths=['keras_product.py'], pip_requirements=['keras'])"
        )
        subprocess.run([sys.executable, "-c", save, str(folder)], cwd=PEERS, env=peer_environment(twin), check=True)
    return str(folder)


def litserve_server(twin: Path, log: Path) -> Server:
    """LitServe with the Keras model."""
    port = free_port()
    command = [str(peers_python()), str(PEERS / "litserve_keras.py"), str(port)]
    return Server("LitServe", command, peer_environment(twin), port, "/health", 200, log, cwd=PEERS)


def bentoml_server(twin: Path, log: Path) -> Server:
    """BentoML with the Keras model."""
    port = free_port()
    serve = ["-m", "bentoml", "serve", "bentoml_keras:KerasService", "--host", "127.0.0.1", "--port", str(port)]
    command = [str(peers_python()), *serve, "--timeout", "300"]
    return Server("BentoML", command, peer_environment(twin), port, "/readyz", 200, log, cwd=PEERS)


def peer_environment(twin: Path) -> dict[str, str]:
    """What the peers run with: where their model lies, and neither our settings nor reports to their makers."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    quiet |= {"DO_NOT_TRACK": "true", "BENTOML_DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {**kept, **quiet, "BENCH_TWIN": str(twin), "BENTOML_HOME": str(RESULTS / "bentoml")}


def peers_python() -> Path:
    """The peers' own interpreter; its environment is built from the lock now where it is missing or of another lock."""
    python, lock = PEERS / ".venv" / "bin" / "python", PEERS / "requirements.lock"
    stamp = PEERS / ".venv" / ".built-from"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return python
    say("building the peers' environment, bench/peers/.venv (1.5 GB; half a minute)")
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEERS / ".venv")], check=True)
    install = ["pip", "sync", "--quiet", "--require-hashes", "--compile-bytecode", "--python", str(python), str(lock)]
    subprocess.run([uv, "--no-config", *install], check=True)
    stamp.write_bytes(lock.read_bytes())
    return python


def sign_in(port: int, folder: Path) -> str:
    """An access token of the bench's account."""
    form = {"username": USER, "password": (folder / "password").read_text(encoding="utf-8")}
    url = f"http://127.0.0.1:{port}/token"
    with urllib.request.urlopen(url, urllib.parse.urlencode(form).encode(), timeout=30) as answer:
        return json.load(answer)["access_token"]


def form_request(path: str, product: Product, headers: Headers | None = None) -> bytes:
    """A raw multipart POST of a product; without its photo where that is empty."""
    title, description, photo = product
    boundary = secrets.token_hex(16)
    parts = [_part(boundary, 'name="designation"', title.encode())]
    parts += [_part(boundary, 'name="description"', description.encode())]
    if photo:
        photo_name = 'name="image"; filename="photo.jpg"'
        parts += [_part(boundary, photo_name, photo, "Content-Type: image/jpeg\r\n")]
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return _post(path, body, {"Content-Type": f"multipart/form-data; boundary={boundary}", **(headers or {})})


def _part(boundary: str, disposition: str, content: bytes, more: str = "") -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n{more}\r\n"
    return head.encode() + content + b"\r\n"


def mlflow_request(product: Product) -> bytes:
    """A raw POST of a product to MLflow's scoring server."""
    title, description, photo = product
    row = {"designation": title, "description": description, "image": base64.b64encode(photo).decode()}
    body = json.dumps({"dataframe_records": [row]}).encode()
    return _post("/invocations", body, {"Content-Type": "application/json"})


def _post(path: str, body: bytes, headers: Headers) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def write_requests(folder: Path, requests: list[bytes]) -> Path:
    """Write raw requests for the load generator, in order."""
    folder.mkdir(parents=True)
    for number, request in enumerate(requests):
        (folder / f"{number:05}").write_bytes(request)
    return folder


def requests_for(server: Server, folder: Path, products: list[Product]) -> Path:
    """What this server is sent, as a folder for the load generator."""
    make: Callable[[Product], bytes]
    if server.name.startswith("mlflow models serve"):
        make = mlflow_request
    elif server.name in ("LitServe", "BentoML"):
        make = lambda product: form_request("/predict", product)  # noqa: E731
    else:
        token = sign_in(server.port, server.log.parent)
        make = lambda product: form_request("/predict", product, {"Authorization": f"Bearer {token}"})  # noqa: E731
    return write_requests(folder / server.name.replace(" ", "-"), [make(product) for product in products])


async def ask_once(port: int, request: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = Connection(port)
    try:
        return await connection.ask(request)
    finally:
        connection.close()
