"""Named places where a fault test may stop the process; nothing happens unless ``ETALON_FAILPOINT`` is set.

``ETALON_FAILPOINT=name:nth:action`` acts on the nth time (counted from 1) the process reaches ``name``.
Actions: ``kill`` sends SIGKILL to the process itself, ``error`` raises ``FailpointError``.
"""

import os
import signal
from collections import Counter

_reached: Counter[str] = Counter()


class FailpointError(OSError):
    """The fault a test asked for."""


def reach(name: str) -> None:
    """Declare that the process stands at ``name``.

    Raises:
        FailpointError: the environment asks for an error here and now.
        ValueError: ``ETALON_FAILPOINT`` cannot be read.
    """
    wanted = os.environ.get("ETALON_FAILPOINT")
    if not wanted:
        return
    target, nth, action = _parse(wanted)
    if name != target:
        return
    _reached[name] += 1
    if _reached[name] == nth:
        _act(name, action)


def _parse(wanted: str) -> tuple[str, int, str]:
    parts = wanted.split(":")
    if len(parts) != 3 or not parts[1].isdigit() or parts[2] not in {"kill", "error"}:
        raise ValueError(f"ETALON_FAILPOINT is name:nth:kill or name:nth:error. Received: {wanted!r}")
    return parts[0], int(parts[1]), parts[2]


def _act(name: str, action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailpointError(f"failpoint {name}")
