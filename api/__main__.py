"""``python -m api``: serve HTTP at SERVING_HOST:SERVING_PORT until SIGTERM, then finish what was accepted."""

import sys

import uvicorn
from pydantic import ValidationError

from api.accounts.secrets import KnownPassword, WeakKey
from api.app import create_app
from api.settings import ServiceSettings
from core.logging import configure_logging

_DRAIN_S = 20


def main() -> None:
    """Run the service; a wrong setting ends it at once, with what to do about it."""
    try:
        settings = ServiceSettings.from_environment()
        app = create_app(settings)
    except (ValidationError, WeakKey, KnownPassword, OSError) as error:
        sys.exit(f"python -m api cannot start: {_advice(error)}")
    configure_logging(settings.serving.log_level)
    uvicorn.run(
        app,
        host=settings.serving.host,
        port=settings.serving.port,
        # The faster parser, httptools, keeps headers without end in memory; this one stops at 64 KiB.
        http="h11",
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_S,
    )


def _advice(error: Exception) -> str:
    """What to change. A validation error's own text would repeat the values, secrets among them."""
    if not isinstance(error, ValidationError):
        return str(error)
    if error.title == "AuthSettings" and any(item["loc"] == ("key",) for item in error.errors()):
        return str(WeakKey())
    wrong = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)]
    return f"{error.title}: {'; '.join(wrong)}"


if __name__ == "__main__":
    main()
