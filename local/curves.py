"""``local tensorboard``: the curves of every training, in the browser of this machine."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.ports import NoFreePort, choose_port
from local.progress import warn

_VARIABLE, _USUAL = "TENSORBOARD_PORT", 6006


def serve(root: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Become TensorBoard over the curves of the system in ``root``; returns only where that cannot be."""
    try:
        command, port, notices = prepare(root, environ)
    except (NoFreePort, ValueError) as error:
        warn(str(error))
        return 1
    for notice in notices:
        print(notice)
    print(f"curves of {root}: http://127.0.0.1:{port}/ (stop with Ctrl-C)")
    sys.stdout.flush()
    return os.execv(command[0], command)  # noqa: S606


def prepare(root: Path, environ: Mapping[str, str]) -> tuple[list[str], int, list[str]]:
    """TensorBoard's command, its port, and a sentence if that is not the wanted one."""
    port, notices = choose_port("TensorBoard", _VARIABLE, environ.get(_VARIABLE) or str(_USUAL))
    logs = root / "runs" / "tensorboard"
    listens = ("--host", "127.0.0.1", "--port", str(port))
    # A faster reader of files, which is a package of its own and not locked here, is not looked for.
    return (
        [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs), *listens, "--load_fast=false"],
        port,
        notices,
    )
