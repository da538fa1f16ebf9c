"""The compose file as Compose reads it: anchors merged, variables filled in, one record a service."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT

FILE = ROOT / "docker-compose.yaml"
_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<how>:?[-+?])(?P<word>[^}]*))?\})")


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of ``volumes``.

    Attributes:
        source: name of a volume, or a path.
    """

    source: str
    target: str
    read_only: bool

    @property
    def is_volume(self) -> bool:
        """Whether Docker keeps it, under a name."""
        return not self.source.startswith((".", "/", "~"))


@dataclass(frozen=True, slots=True)
class Service:
    """One service, as far as it is looked at."""

    name: str
    raw: Mapping[str, Any]

    @property
    def is_once(self) -> bool:
        """Whether it ends by itself."""
        return self.raw.get("restart") == "no"

    @property
    def dockerfile(self) -> Path | None:
        """What its image is built from; None for somebody else's image."""
        build = self.raw.get("build")
        return None if build is None else ROOT / build["context"] / build["dockerfile"]

    @property
    def mounts(self) -> list[Mount]:
        """Its volumes and files."""
        parts = [(*line.split(":"), "rw")[:3] for line in self.raw.get("volumes", [])]
        return [Mount(source, target, mode == "ro") for source, target, mode in parts]

    @property
    def environment(self) -> dict[str, str]:
        """What it sets beside the image's own."""
        return {name: str(value) for name, value in self.raw.get("environment", {}).items()}

    @property
    def needs(self) -> dict[str, str]:
        """Services that come first, and what must have become of them."""
        return {name: wish["condition"] for name, wish in self.raw.get("depends_on", {}).items()}

    @property
    def check(self) -> list[str]:
        """The command of its health check; empty without one."""
        test = self.raw.get("healthcheck", {}).get("test", [])
        return test[1:] if test[:1] == ["CMD"] else []


def read_compose(environ: Mapping[str, str] | None = None) -> tuple[dict[str, Any], dict[str, Service]]:
    """The whole file and its services, with ``environ`` as the variables that a person set."""
    whole = _fill(yaml.safe_load(FILE.read_text(encoding="utf-8")), environ or {})
    return whole, {name: Service(name, raw) for name, raw in whole["services"].items()}


def variables() -> dict[str, str]:
    """The variables that the file asks for, and its default for each."""
    text = FILE.read_text(encoding="utf-8")
    return {found["name"]: found["word"] or "" for found in _VARIABLE.finditer(text) if found["name"]}


def _fill(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(one, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, environ) for one in value]
    return _VARIABLE.sub(lambda found: _one(found, environ), value) if isinstance(value, str) else value


def _one(found: re.Match[str], environ: Mapping[str, str]) -> str:
    if found[0] == "$$":
        return "$"
    given, how, word = environ.get(found["name"]), found["how"] or "-", found["word"] or ""
    is_set = bool(given) if how.startswith(":") else given is not None
    if how.endswith("+"):
        return word if is_set else ""
    if how.endswith("?") and not is_set:
        raise ValueError(f"the compose file needs {found['name']}: {word}")
    return str(given) if is_set else word
