"""``make images-proof``: every image of docker/ is built and started here, without a container engine.

In a clean Debian tree each Dockerfile's own lines are followed (RUN, COPY, ENV, USER and the rest), then the compose
file's services are started in its order, with its commands, settings, secrets, volumes and users, on a read-only root
and without capabilities, and asked by their own health checks. Nothing of it can be reached from outside, and mounts
and processes live in namespaces that end with it. What this leaves out is said in docs/containers.md.
"""

import argparse
import ctypes
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.conftest import ROOT
from tests.containers import standins
from tests.containers.compose import read_compose
from tests.containers.images import Image, build
from tests.containers.questions import ask
from tests.containers.running import Host
from tests.containers.trees import make_base

WORK = ROOT / "data/var/images-proof"
REPORT = ROOT / "data/var/images-proof.json"
INSIDE = "ETALON_IMAGES_PROOF"
# What a person would set in .env: a small sample, and nothing to download.
CHOICES = {"CATALOGUE_LIMIT": "300", "MODEL_IMAGE_WEIGHTS": "random"}
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
OTHERS = ("prometheus", "grafana")  # images of others for which nothing here stands in


def main() -> int:
    """Run the proof; 0 if every part became well."""
    parser = argparse.ArgumentParser(prog="make images-proof", description=__doc__)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="leave everything in data/var/images-proof; the next run takes base and packages",
    )
    keep = parser.parse_args().keep
    if os.environ.get(INSIDE) != "1":
        lacking = _missing()
        if lacking:
            print(f"images-proof is skipped: it needs {', '.join(lacking)}")
            return 0
        return _alone()
    started = time.monotonic()
    _clear(but=("base", "cache"))
    WORK.mkdir(parents=True, exist_ok=True)
    try:
        report = _prove(started)
    finally:
        if not keep:
            _clear()
    REPORT.write_text(json.dumps(report, indent=2), encoding="utf-8")
    print(f"every image was built, started and asked in {report['seconds']:.0f} s; figures: {REPORT.relative_to(ROOT)}")
    return 0


def _missing() -> list[str]:
    lacking = [] if sys.platform == "linux" and os.geteuid() == 0 else ["root on Linux"]
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    tools = ("debootstrap", "unshare", "setpriv", "ip")
    return [*lacking, *(tool for tool in tools if not shutil.which(tool, path=path)), *standins.missing()]


def _alone() -> int:
    """Run this again where its mounts and processes end with it, however it ends."""
    os.environ[INSIDE] = "1"
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"]
    return subprocess.run([*alone, sys.executable, "-m", "tests.containers", *sys.argv[1:]], check=False).returncode


def _clear(but: tuple[str, ...] = ()) -> None:
    """Delete what an earlier run left, ``but`` what was kept to be used again."""
    if str(WORK) in Path("/proc/self/mounts").read_text(encoding="utf-8"):
        raise RuntimeError(f"something is mounted below {WORK}: nothing is deleted")
    for path in WORK.glob("*"):
        if path.name not in but:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _prove(started: float) -> dict[str, object]:
    def say(line: str) -> None:
        print(f"[{time.monotonic() - started:5.0f} s] {line}", flush=True)

    base = WORK / "base"
    if not (base / "usr/local/bin/pip").is_symlink():
        make_base(base)
    say("a clean Debian with Python 3.11 stands in for the images' base")
    _, services = read_compose(CHOICES)
    images: dict[Path, Image] = {}
    for path in sorted({service.dockerfile for service in services.values() if service.dockerfile}):
        images[path] = build(path, base, WORK)
        say(f"{path.relative_to(ROOT)}: {images[path].size / 2**20:,.0f} MiB in {images[path].seconds:.0f} s")
    _leave_the_network()
    host = Host(WORK, services, images, say)
    host.start([name for name in services if name not in OTHERS])
    answers = []
    for answer in ask(host):
        say(answer)
        answers.append(answer)
    held = {name: round(host.memory(name) / 2**20) for name in host.running}
    say(f"MiB held: {held}")
    stopped = host.stop()
    say(f"seconds from SIGTERM to the end: {stopped}")
    return {
        "seconds": round(time.monotonic() - started, 1),
        "images": {
            path.parent.name: {"mib": round(image.size / 2**20), "seconds": round(image.seconds, 1)}
            for path, image in images.items()
        },
        "services": {
            name: {what: figure for what, figure in figures.items() if what != "started"}
            for name, figures in host.figures.items()
        },
        "held_mib": held,
        "stopped_s": stopped,
        "answers": answers,
    }


def _leave_the_network() -> None:
    """From here on this process and what it starts see one loopback interface, and no other machine."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "no network of its own")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


if __name__ == "__main__":
    sys.exit(main())
