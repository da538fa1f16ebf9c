"""Running a command in a file tree as a container would: its own mounts, a user without rights, a read-only root.

Mounts are made in a namespace that only the command lives in: they are gone with it, however it ends.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_FROM_OUTSIDE = ("SSL_CERT_FILE", "PIP_CERT", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"


def make_base(folder: Path) -> None:
    """A small Debian with Python 3.11: what the official image of Python is made of, from Debian's own packages."""
    mirror = [os.environ["DEBIAN_MIRROR"]] if "DEBIAN_MIRROR" in os.environ else []  # else debootstrap knows one
    packages = "--include=python3.11,python3-pip,ca-certificates"
    tool = ["debootstrap", "--variant=minbase", packages, "bookworm", str(folder), *mirror]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"debootstrap failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    for name, target in {
        "python": "python3.11",
        "python3": "python3.11",
        "python3.11": "python3.11",
        "pip": "pip3",
    }.items():
        (folder / "usr/local/bin" / name).symlink_to(f"/usr/bin/{target}")
    (folder / "etc/hosts").touch()
    (folder / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()  # Debian's word to people, not part of Python's image
    shutil.rmtree(folder / "var/cache/apt", ignore_errors=True)


def run_as_root(
    tree: Path, command: str, workdir: str, environment: Mapping[str, str], caches: Mapping[str, Path]
) -> str:
    """Run a build's shell line and return what it printed. The network, certificates and index are this machine's.

    Args:
        tree: the file tree.
        command: what follows RUN.
        workdir: where it runs.
        environment: the image's, so far.
        caches: folders that are mounted for this command only, by their place in the tree.

    Raises:
        RuntimeError: it failed; the end of its output is in the message.
    """
    lent = {name: os.environ[name] for name in (*_FROM_OUTSIDE, *_PROXIES) if name in os.environ}
    mounts = [_proc(tree), _bind(Path("/dev"), tree / "dev"), _bind(Path("/etc/resolv.conf"), tree / "etc/resolv.conf")]
    mounts += [_bind(Path("/etc/ssl/certs"), tree / "etc/ssl/certs")]
    mounts += [_bind(folder, tree / place.lstrip("/")) for place, folder in caches.items()]
    (tree / "etc/resolv.conf").touch()
    line = ["env", "-i", "-C", workdir, *_pairs({"PATH": PATH, "HOME": "/root"} | lent | dict(environment))]
    script = [*mounts, shlex.join(["exec", "chroot", str(tree), *line, "/bin/sh", "-c", command])]
    done = subprocess.run(_unshared(script), capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"RUN {command}\nended with {done.returncode}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Cell:
    """What surrounds a container's processes.

    Attributes:
        tree: the image's files.
        user: numbers of user and group.
        workdir: where commands run.
        environment: everything they see.
        volumes: (folder, place in the tree, whether it may only be read).
        scratch: lines of ``tmpfs``.
        hosts: a file for /etc/hosts.
    """

    tree: Path
    user: str
    workdir: str
    environment: Mapping[str, str]
    volumes: Sequence[tuple[Path, str, bool]]
    scratch: Sequence[str]
    hosts: Path

    def popen(self, command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start ``command``; the process that is returned becomes it."""
        return subprocess.Popen(self._line(command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def run(self, command: Sequence[str], timeout_s: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run ``command`` to its end."""
        return subprocess.run(
            self._line(command),
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
        )

    def _line(self, command: Sequence[str]) -> list[str]:
        user, group = self.user.split(":")
        tree = shlex.quote(str(self.tree))
        mounts = [f"mount --bind {tree} {tree}", _proc(self.tree), _bind(Path("/dev"), self.tree / "dev")]
        mounts += [_bind(Path("/sys"), self.tree / "sys"), _bind(self.hosts, self.tree / "etc/hosts")]
        for folder, place, read_only in self.volumes:
            mounts += [_bind(folder, self.tree / place.lstrip("/"))]
            mounts += [_read_only(self.tree / place.lstrip("/"))] if read_only else []
        for line in self.scratch:
            place, _, options = line.partition(":")
            target = shlex.quote(str(self.tree / place.lstrip("/")))
            mounts += [f"mount -t tmpfs -o {','.join(filter(None, ['mode=1777', options]))} tmpfs {target}"]
        mounts += [_read_only(self.tree)]
        powerless = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--clear-groups"]
        who = ["setpriv", f"--reuid={user}", f"--regid={group}", *powerless, "--"]
        where = ["env", "-i", "-C", self.workdir, *_pairs(self.environment)]
        return _unshared([*mounts, shlex.join(["exec", "chroot", str(self.tree), *who, *where, *command])])


def prepare_place(tree: Path, place: str) -> Path:
    """The folder of ``tree`` that something will be mounted on."""
    folder = tree / place.lstrip("/")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unshared(script: Sequence[str]) -> list[str]:
    return ["unshare", "--mount", "--propagation", "private", "--", "/bin/sh", "-euc", "\n".join(script)]


def _proc(tree: Path) -> str:
    return f"mount -t proc proc {shlex.quote(str(tree / 'proc'))}"


def _bind(source: Path, target: Path) -> str:
    return shlex.join(["mount", "--rbind" if source == Path("/dev") else "--bind", str(source), str(target)])


def _read_only(target: Path) -> str:
    return shlex.join(["mount", "-o", "remount,bind,ro", str(target)])


def _pairs(environment: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in environment.items()]
