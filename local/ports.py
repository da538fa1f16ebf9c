"""Ports on loopback: the usual ones, the ones asked for, or the next free ones."""

import fcntl
import json
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

_TRIED = 200
_METRICS = 9464
_WANTED = {
    "api": ("SERVING_PORT", 8000),
    "airflow": ("AIRFLOW_PORT", 8080),
    "mlflow": ("MLFLOW_PORT", 5000),
    "metrics": ("SERVING_METRICS_PORT", _METRICS),
}


class NoFreePort(RuntimeError):
    """Neither the wanted port nor any of those after it is free."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that one system listens on; ``metrics`` is the HTTP service's second one, for its figures."""

    api: int
    airflow: int
    mlflow: int
    metrics: int = _METRICS

    @property
    def api_url(self) -> str:
        """Address of the HTTP service."""
        return f"http://127.0.0.1:{self.api}"

    @property
    def airflow_url(self) -> str:
        """Address of Airflow."""
        return f"http://127.0.0.1:{self.airflow}"

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow."""
        return f"http://127.0.0.1:{self.mlflow}"

    @property
    def metrics_url(self) -> str:
        """Address of the figures."""
        return f"http://127.0.0.1:{self.metrics}/metrics"

    def save(self, path: Path) -> None:
        """Leave the ports for ``status`` and for the next start."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Ports":
        """The ports that ``save`` left.

        Raises:
            FileNotFoundError: the system was never started.
        """
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_held: dict[int, int] = {}  # port to the descriptor whose lock says that it is ours


def take(port: int) -> bool:
    """Whether ``port`` is free and this process has it now: until it ends, no other system that starts chooses it.

    Between choosing a port and listening on it lie seconds, in which another system may look for one.
    """
    return is_free(port) and (port in _held or _hold(port))


def _hold(port: int) -> bool:
    path = Path(tempfile.gettempdir()) / f"etalon-{os.getuid()}-port-{port}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held[port] = descriptor
    return True


def choose_ports(environ: Mapping[str, str], free: Callable[[int], bool] = take) -> tuple[Ports, list[str]]:
    """The ports to listen on, and a sentence for every one that is not the wanted one.

    Args:
        environ: may name ports in ``SERVING_PORT``, ``AIRFLOW_PORT``, ``MLFLOW_PORT`` and ``SERVING_METRICS_PORT``.
        free: tells whether a port can be listened on, and keeps it if so.

    Raises:
        NoFreePort: nothing near a wanted port is free.
        ValueError: a variable is not a port number.
    """
    chosen: dict[str, int] = {}
    notices = []
    for name, (variable, usual) in _WANTED.items():
        wanted = environ.get(variable) or str(usual)
        chosen[name], notice = choose_port(
            name, variable, wanted, lambda port: port not in chosen.values() and free(port)
        )
        notices += notice
    return Ports(**chosen), notices


def choose_port(name: str, variable: str, wanted: str, free: Callable[[int], bool] = take) -> tuple[int, list[str]]:
    """The port ``wanted``, or the next one that is free, and a sentence if it is another; ``variable`` asks for it.

    Raises:
        NoFreePort: nothing near the wanted port is free.
        ValueError: ``wanted`` is not a port number.
    """
    first = _port_number(variable, wanted)
    port = next((port for port in range(first, min(first + _TRIED, 65536)) if free(port)), None)
    if port is None:
        raise NoFreePort(f"no port from {first} on is free for {name}; choose another with {variable}")
    if port == first:
        return port, []
    return port, [f"port {first} is taken: {name} listens on {port} (choose another with {variable})"]


def _port_number(variable: str, text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ValueError(f"{variable} must be a port number, 1 to 65535. Received: {text!r}")
    return int(text)
