"""Named places where a fault test may stop the process; nothing happens unless ``ETALON_FAILPOINT`` is set.

``ETALON_FAILPOINT=name:nth:action`` acts on the nth time (counted from 1) the process reaches ``name``.
Actions: ``kill`` sends SIGKILL to the process itself, ``stop`` SIGSTOP (a stalled process, which SIGCONT wakes),
``error`` raises ``FailpointError``.
"""

import os
import signal
from collections import Counter

_reached: Counter[str] = Counter()
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


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
    if len(parts) != 3 or not parts[1].isdigit() or parts[2] not in {*_SIGNALS, "error"}:
        raise ValueError(f"ETALON_FAILPOINT is name:nth:kill, :stop or :error. Received: {wanted!r}")
    return parts[0], int(parts[1]), parts[2]


def _act(name: str, action: str) -> None:
    if action not in _SIGNALS:
        raise FailpointError(f"failpoint {name}")
    os.kill(os.getpid(), _SIGNALS[action])
