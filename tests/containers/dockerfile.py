"""A Dockerfile as a list of instructions, stage by stage. What is not understood is refused, not skipped."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_KNOWN = {"ARG", "FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: ``word`` and what follows it, and its options (``--from=packages``)."""

    word: str
    rest: str
    options: Mapping[str, str]


@dataclass(slots=True)
class Stage:
    """From one FROM to the next.

    Attributes:
        base: the image it starts from, with its ARG filled in.
        name: what other stages call it, or "".
    """

    base: str
    name: str
    steps: list[Instruction] = field(default_factory=list)

    def last(self, word: str) -> Instruction | None:
        """The instruction that counts of those with ``word``."""
        return next((step for step in reversed(self.steps) if step.word == word), None)

    def environment(self) -> dict[str, str]:
        """All of ENV; values are as written, PATH still holds ``$PATH``."""
        pairs = [part.split("=", 1) for step in self.steps if step.word == "ENV" for part in shlex.split(step.rest)]
        return {pair[0]: pair[1] for pair in pairs}

    def command(self, given: list[str] | None = None) -> list[str]:
        """What a container runs: the entry point, then ``given`` or the image's own command."""
        entry, usual = self.last("ENTRYPOINT"), self.last("CMD")
        tail = given if given is not None else json.loads(usual.rest) if usual else []
        return [*(json.loads(entry.rest) if entry else []), *tail]

    def check(self) -> list[str]:
        """The image's own health check."""
        step = self.last("HEALTHCHECK")
        return json.loads(step.rest.removeprefix("CMD ")) if step else []


def read_dockerfile(path: Path, arguments: Mapping[str, str] | None = None) -> list[Stage]:
    """The stages of a Dockerfile; ``arguments`` are the build's.

    Raises:
        ValueError: an instruction is not one of those that are understood.
    """
    known, stages = {}, []
    for word, rest in _lines(path.read_text(encoding="utf-8")):
        options, rest = _options(rest)
        if word not in _KNOWN:
            raise ValueError(f"{path}: not understood: {word}")
        if word == "ARG" and not stages:
            name, _, usual = rest.partition("=")
            known[name] = (arguments or {}).get(name, usual)
        elif word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(re.sub(r"\$\{(\w+)\}", lambda found: known[found[1]], base), name))
        else:
            stages[-1].steps.append(Instruction(word, rest, options))
    return stages


def _lines(text: str) -> list[tuple[str, str]]:
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", kept)
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines()) if word
    ]


def _options(rest: str) -> tuple[dict[str, str], str]:
    options = {}
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        options[found[1]] = found[2]
        rest = rest[found.end() :]
    return options, rest
