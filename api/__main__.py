"""``python -m api``: serve HTTP at SERVING_HOST:SERVING_PORT until SIGTERM, then finish what was accepted.

With SERVING_WORKERS above 1 it starts that many of itself on one socket and looks after them.
"""

import argparse
import contextlib
import socket
import sys
import threading

from pydantic import ValidationError
from pydantic_settings import SettingsError
from uvicorn.config import STARTUP_FAILURE

from api.accounts.secrets import KnownPassword, WeakKey
from api.app import create_app
from api.server import Server, make_server, stop_with
from api.settings import ServiceSettings
from api.workers import WorkersFailed, run_workers
from core.logging import configure_logging


def main() -> None:
    """Run the service; a wrong setting ends it at once, with what to do about it."""
    inherited = _arguments()
    try:
        settings = ServiceSettings.from_environment()
        configure_logging(settings.serving.log_level)
        alone = settings.serving.workers == 1 or inherited.socket is not None
        server = make_server(create_app(settings)) if alone else None
        if server is None:
            run_workers(settings)
    except (ValidationError, SettingsError, WeakKey, KnownPassword, WorkersFailed, OSError) as error:
        sys.exit(f"python -m api cannot start: {_advice(error)}")
    if server is not None:
        _run(server, inherited)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    parser.add_argument("--socket", type=int, metavar="FD", help="accept from this inherited socket")
    parser.add_argument("--lifeline", type=int, metavar="FD", help="end when the other end of this pipe is gone")
    return parser.parse_args()


def _run(server: Server, inherited: argparse.Namespace) -> None:
    if inherited.lifeline is not None:
        threading.Thread(target=stop_with, args=(inherited.lifeline,), name="lifeline", daemon=True).start()
    sockets = None if inherited.socket is None else [socket.socket(fileno=inherited.socket)]
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _advice(error: Exception) -> str:
    """What to change. A validation error's own text would repeat the values, secrets among them."""
    if isinstance(error, SettingsError):  # a file that is named by a setting and cannot be read
        return f"{error}: {error.__cause__ if isinstance(error.__cause__, OSError) else 'it is no UTF-8 text'}"
    if not isinstance(error, ValidationError):
        return str(error)
    if error.title == "AuthSettings" and any(item["loc"] == ("key",) for item in error.errors()):
        return str(WeakKey())
    wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)]
    return f"{error.title}: {'; '.join(wrong)}"


if __name__ == "__main__":
    main()
