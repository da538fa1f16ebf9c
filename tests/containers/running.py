"""The compose file's services, started in its order, each in its cell, until their own health checks say: well."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.containers import standins
from tests.containers.compose import Service
from tests.containers.images import Image
from tests.containers.trees import Cell, prepare_place

_LONGEST_S = 1200.0  # on a busy machine, too


class Unwell(RuntimeError):
    """A service failed; its log is in the message."""


@dataclass(slots=True)
class Host:
    """A machine of its own: one loopback interface that every service's name means."""

    work: Path
    services: Mapping[str, Service]
    images: Mapping[Path, Image]
    say: Callable[[str], None]
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=dict)
    figures: dict[str, dict[str, float]] = field(default_factory=dict)
    _environments: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def start(self, names: list[str]) -> None:
        """Start ``names`` as soon as what each needs is there, and wait until all are well."""
        for folder in ("volumes", "logs"):
            (self.work / folder).mkdir()
        (self.work / "hosts").write_text(f"127.0.0.1 localhost {' '.join(self.services)}\n", encoding="utf-8")
        waiting, done = list(names), set[str]()
        while waiting:
            name = next(name for name in waiting if set(self.services[name].needs) <= done | set(self.running))
            for need in self.services[name].needs:
                self.wait_well(need)
            waiting.remove(name)
            self._begin(self.services[name])
            done.add(name)
        for name in list(self.running):
            self.wait_well(name)

    def log(self, name: str) -> Path:
        """What a service printed."""
        return self.work / "logs" / f"{name}.log"

    def volume(self, name: str) -> Path:
        """A named volume."""
        return self.work / "volumes" / name

    def wait_well(self, name: str) -> None:
        """Return once the health check of ``name`` says yes; at once for what has ended well.

        Raises:
            Unwell: it ended, or took too long.
        """
        if name not in self.running or "healthy after" in self.figures[name]:
            return
        started = self.figures[name]["started"]
        while (answer := self._ask(name)).returncode != 0:
            if self.running[name].poll() is not None or time.monotonic() - started > _LONGEST_S:
                told = self.log(name).read_text(encoding="utf-8", errors="replace")[-4000:]
                raise Unwell(f"{name}: {answer.stderr.strip() or answer.stdout.strip()}\n{told}")
            time.sleep(0.5)
        seconds = time.monotonic() - started
        self.figures[name]["healthy after"] = round(seconds, 1)
        self.say(f"{name} is well after {seconds:.1f} s: {' '.join(self.services[name].check)}")
        if name == "postgres":
            subprocess.run(
                ["createdb", "-h127.0.0.1", "-Uairflow", "airflow"], env=self._environments[name], check=True
            )

    def stop(self) -> dict[str, float]:
        """SIGTERM to all of ours, latest first; seconds that each took, or an error."""
        took = {}
        for name in reversed([name for name in self.running if name in self.cells]):
            process, started = self.running[name], time.monotonic()
            process.send_signal(getattr(signal, self.services[name].raw.get("stop_signal", "SIGTERM")))
            try:
                process.wait(60)
            except subprocess.TimeoutExpired as error:
                raise Unwell(f"{name} did not stop within a minute of SIGTERM") from error
            took[name] = round(time.monotonic() - started, 1)
        return took

    def memory(self, name: str) -> int:
        """Bytes that a service and its children hold, shared pages split between them."""
        process = psutil.Process(self.running[name].pid)
        held = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                held += one.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue
        return held

    def _begin(self, service: Service) -> None:
        started = time.monotonic()
        self.figures[service.name] = {"started": started}
        if service.name in ("mysql", "postgres"):
            self._stand_in(service.name)
            return
        cell = self._cell(service)
        image = self.images[service.dockerfile or Path()]
        with self.log(service.name).open("wb") as log:
            process = cell.popen(image.stage.command(service.raw.get("command")), log)
        if not service.is_once:
            self.running[service.name] = process
            return
        if process.wait(_LONGEST_S) != 0:
            told = self.log(service.name).read_text(encoding="utf-8", errors="replace")[-4000:]
            raise Unwell(f"{service.name} ended with {process.returncode}\n{told}")
        self.figures[service.name]["took"] = round(time.monotonic() - started, 1)
        self.say(f"{service.name} ended well after {time.monotonic() - started:.1f} s")

    def _cell(self, service: Service) -> Cell:
        image = self.images[service.dockerfile or Path()]
        volumes = []
        for mount in service.mounts:
            inside = prepare_place(image.tree, mount.target)
            volumes.append((self._fill(mount.source, inside), mount.target, mount.read_only))
        for line in service.raw.get("tmpfs", []):
            prepare_place(image.tree, line.partition(":")[0])
        environment = image.environment | {"HOME": "/tmp", "HOSTNAME": service.name} | service.environment
        hosts = self.work / "hosts"
        scratch = service.raw.get("tmpfs", [])
        cell = Cell(image.tree, service.raw["user"], image.workdir, environment, volumes, scratch, hosts)
        self.cells[service.name] = cell
        return cell

    def _fill(self, name: str, inside: Path) -> Path:
        """A named volume; an empty one takes over content, owner and mode of the folder it hides, as Docker does."""
        folder = self.volume(name)
        folder.mkdir(exist_ok=True)
        if not any(folder.iterdir()):
            subprocess.run(["cp", "-a", f"{inside}/.", folder], check=True)
            seen = inside.stat()
            if seen.st_uid:  # a folder that only the mount made says nothing
                os.chown(folder, seen.st_uid, seen.st_gid)
                folder.chmod(seen.st_mode & 0o7777)
        return folder

    def _stand_in(self, name: str) -> None:
        secrets = self.volume(f"secrets-{name}")
        if name == "mysql":
            command, environment = standins.mysql(secrets, self.work / name, self.log(name))
        else:
            command, environment = standins.postgres(secrets, self.work / name)
        self._environments[name] = environment
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/"
            )

    def _ask(self, name: str) -> subprocess.CompletedProcess[str]:
        check = self.services[name].check
        if name in self.cells:
            return self.cells[name].run(check)
        tool = shutil.which(check[0], path=self._environments[name]["PATH"])
        return subprocess.run([str(tool), *check[1:]], capture_output=True, text=True, check=False)
