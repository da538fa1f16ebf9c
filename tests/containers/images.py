"""Building an image from its Dockerfile's own lines, in file trees instead of layers."""

import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT
from tests.containers.context import files
from tests.containers.dockerfile import Instruction, Stage, read_dockerfile
from tests.containers.trees import PATH, prepare_place, run_as_root


@dataclass(frozen=True, slots=True)
class Image:
    """What was built.

    Attributes:
        stage: the Dockerfile's last stage.
        size: bytes that the image adds to its base.
    """

    tree: Path
    stage: Stage
    environment: dict[str, str]
    workdir: str
    seconds: float
    size: int


def build(dockerfile: Path, base: Path, work: Path) -> Image:
    """Follow every instruction of every stage."""
    started = time.monotonic()
    trees: dict[str, Path] = {}
    for number, stage in enumerate(read_dockerfile(dockerfile)):
        tree = prepare_place(work, "trees") / f"{dockerfile.parent.name}-{number}"
        subprocess.run(["cp", "-a", "--reflink=auto", base, tree], check=True)
        environment, workdir = {"PATH": PATH}, "/"
        for step in stage.steps:
            workdir = _follow(step, tree, environment, workdir, trees, work / "cache")
        trees[stage.name or "last"] = tree
    for earlier in [tree for name, tree in trees.items() if name != "last"]:
        shutil.rmtree(earlier)
    size = _bytes(trees["last"]) - _bytes(base)
    return Image(trees["last"], stage, environment, workdir, time.monotonic() - started, size)


def _follow(
    step: Instruction, tree: Path, environment: dict[str, str], workdir: str, trees: dict[str, Path], cache: Path
) -> str:
    """Do what one instruction says; returns where the next one runs."""
    match step.word:
        case "WORKDIR":
            prepare_place(tree, step.rest)
            return step.rest
        case "ENV":
            new = Stage("", "", [step]).environment()
            environment.update({name: value.replace("$PATH", environment["PATH"]) for name, value in new.items()})
        case "COPY" if "from" in step.options:
            source, target = (place.lstrip("/") for place in step.rest.split())
            (tree / target).parent.mkdir(parents=True, exist_ok=True)
            # Links instead of copies: the stage that they come from is deleted, and nothing writes into them.
            subprocess.run(["cp", "-a", "--link", trees[step.options["from"]] / source, tree / target], check=True)
        case "COPY":
            *sources, target = step.rest.split()
            for source in sources:
                _copy(source, tree / workdir.lstrip("/") / target, into=target.endswith("/"))
        case "RUN":
            run_as_root(tree, step.rest, workdir, environment, _caches(step, tree, cache))
    return workdir


def _copy(source: str, target: Path, *, into: bool) -> None:
    """Files of the context as root's; a folder's content goes into ``target``, a file where ``into`` says."""
    for path in files(source):
        place = (
            target / path.relative_to(source) if (ROOT / source).is_dir() else target / path.name if into else target
        )
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, place)
        place.chmod(0o755 if os.access(ROOT / path, os.X_OK) else 0o644)


def _caches(step: Instruction, tree: Path, cache: Path) -> dict[str, Path]:
    found = re.search(r"type=cache,target=([^,\s]+)", step.options.get("mount", ""))
    if found is None:
        return {}
    prepare_place(tree, found[1])
    cache.mkdir(exist_ok=True)
    return {found[1]: cache}


def _bytes(tree: Path) -> int:
    told = subprocess.run(["du", "-s", "--block-size=1", tree], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[0])
