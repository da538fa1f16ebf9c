"""The context of a build: which files ``.dockerignore`` lets through."""

import os
import re
from functools import cache
from pathlib import Path

from tests.conftest import ROOT


@cache
def _rules() -> tuple[tuple[bool, re.Pattern[str]], ...]:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return tuple((not line.startswith("!"), _pattern(line.removeprefix("!"))) for line in kept)


def _pattern(line: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*)", line)
    kinds = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.compile("".join(kinds.get(part, re.escape(part)) for part in parts))


def is_sent(path: str) -> bool:
    """Whether the file at ``path``, from the repository's root, is in the context: the last rule that fits says."""
    above = [path, *(str(parent) for parent in Path(path).parents)][:-1]
    sent = True
    for leaves_out, pattern in _rules():
        if any(pattern.fullmatch(one) for one in above):
            sent = not leaves_out
    return sent


def _may_hold(folder: str) -> bool:
    """Whether to look into ``folder`` at all: what a system writes below data/ is many files."""
    text = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    return is_sent(folder) or f"\n!{folder}/" in text


def files(source: str) -> list[Path]:
    """The files that ``COPY source`` takes, from the repository's root.

    Raises:
        FileNotFoundError: there are none, which ends a build too.
    """
    found = [path for path in ROOT.glob(source) if path.is_file()]
    for folder in (path for path in ROOT.glob(source) if path.is_dir()):
        for place, below, names in os.walk(folder):
            below[:] = [name for name in below if _may_hold(str((Path(place) / name).relative_to(ROOT)))]
            found += [Path(place) / name for name in names]
    kept = sorted(path for path in (one.relative_to(ROOT) for one in found) if is_sent(str(path)))
    if not kept:
        raise FileNotFoundError(f"COPY {source}: nothing of that name is in the context")
    return kept
