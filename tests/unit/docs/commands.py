"""The commands of the documents: found, and put into the words that a test can check."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELLS = ("sh", "bash", "shell", "console")
_PROGRAMS = r"(?:make|python3?|\.venv/bin/\w+|curl|docker|kubectl|helm|git|airflow|mysql|pip|apt-get|tensorboard)"
_FENCE = re.compile(r"^(?P<before>[^\n]*\n)```(?P<language>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`((?:[A-Z_]+=\S+ )*(?:make|(?:\.venv/bin/)?python -m) [^`]+)`")
_MARK = re.compile(r"not run here", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a document.

    Attributes:
        text: on one line, without a prompt and without its comment.
        is_marked: whether the document says that it is not run here.
    """

    document: str
    text: str
    is_marked: bool

    def __str__(self) -> str:
        return f"{self.document}: {self.text}"


def fenced(document: Path) -> list[Command]:
    """Every command of a document's fenced blocks."""
    text = document.read_text(encoding="utf-8").replace("\r\n", "\n")
    name = str(document.relative_to(ROOT))
    return [
        Command(name, _without_comment(line), bool(_MARK.search(block["before"]) or _MARK.search(line)))
        for block in _FENCE.finditer("\n" + text)
        for line in _commands(block["language"], block["body"])
    ]


def inline(document: Path) -> list[Command]:
    """Every `make …` and `python -m …` within a document's sentences and tables."""
    prose = _FENCE.sub("\n", "\n" + document.read_text(encoding="utf-8"))
    name = str(document.relative_to(ROOT))
    return [Command(name, " ".join(found.split()), False) for found in _INLINE.findall(prose)]


def _commands(language: str, body: str) -> Iterator[str]:
    lines = body.replace("\\\n", " ").splitlines()
    prompted = any(line.startswith("$ ") for line in lines)
    for line in lines:
        if line.startswith("$ "):
            yield line[2:]
        elif prompted or not line.strip() or line.lstrip().startswith("#"):
            continue
        elif language in SHELLS or (not language and re.match(rf"{_PROGRAMS} ", line)):
            yield line


def _without_comment(line: str) -> str:
    """The command alone, its spaces made one."""
    return re.sub(r"\s+", " ", re.sub(r"\s+#\s.*$", "", line)).strip()


def variables(command: str) -> tuple[dict[str, str], str]:
    """The assignments before a command, and the command."""
    found = re.match(r"((?:[A-Z_]+=\S* )*)(.*)", command)
    assert found is not None
    return dict(one.split("=", 1) for one in shlex.split(found[1])), found[2]


def modules(command: str) -> list[tuple[str, list[str]]]:
    """The Python modules that a command line starts, with their arguments; those that `local job` starts, too."""
    words = shlex.split(re.sub(r"[\[\]]", " ", command), comments=True)
    ends = {"|", ">", "<", ";", "&&", "||", "do", "done", "fi"}
    found = []
    for place, word in enumerate(words[:-1]):
        if word != "-m" or not re.search(r"(^|/)python3?$", words[place - 1]):
            continue
        arguments = []
        for argument in words[place + 2 :]:
            if argument in ends:
                break
            arguments.append(argument.removesuffix(";"))
            if argument.endswith(";"):
                break
        module = words[place + 1].removesuffix(";")
        found.append((module, arguments))
        if (module, arguments[:1]) == ("local", ["job"]) and "--" in arguments:
            inner = arguments[arguments.index("--") + 1 :]
            found.append((inner[0], inner[1:]))
    return found
