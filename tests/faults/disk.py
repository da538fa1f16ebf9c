"""A disk as it may be after a power cut: every state that a log of file operations allows.

What was flushed is there. Of what was not flushed since:

- a file holds what it held at its last flush, or what it held after any write since, or a prefix of that, or it has
  its full length and zeros in the place of some or all of the new bytes (delayed allocation). The time of the last
  change goes with the length, as it does on disks that keep both in one record;
- a folder has any subset of its changes (names made, linked, renamed, removed), each there or not independently of
  the others. A rename within a folder is one change: whoever had the new name before, the name is never without one.

Flushing a file does not make its name durable, and flushing a folder does not make its files' content durable.
"""

import hashlib
import itertools
import math
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.faults.recorder import Flush, Link, MakeFolder, Open, Operation, Remove, Rename, Truncate, Write

_ALL_OF = 7
"""Changes of a folder up to which every subset is tried."""


class Content(bytes):
    """A file's bytes, hashed once, and when they were written."""

    changed_ns: int = 0

    @classmethod
    def at(cls, changed_ns: int, data: bytes) -> "Content":
        content = cls(data)
        content.changed_ns = changed_ns
        return content

    @cached_property
    def sha256(self) -> bytes:
        return hashlib.sha256(self).digest()


@dataclass(eq=False, slots=True)
class File:
    """One file, whatever names it has: its content at the last flush, and after every change since."""

    flushed: Content = field(default_factory=Content)
    since: list[Content] = field(default_factory=list)
    _legal: list[Content] | None = None

    @property
    def content(self) -> Content:
        """What a reader sees while the power is on."""
        return self.since[-1] if self.since else self.flushed

    def change(self, content: Content) -> None:
        self.since.append(content)
        self._legal = None

    def flush(self) -> None:
        self.flushed, self.since, self._legal = self.content, [], None

    def legal(self) -> list[Content]:
        """Every content that a power cut may leave, each once."""
        if self._legal is None:
            found = {bytes(one): one for one in (self.flushed, *self.since)}
            for torn in _torn(self.flushed, self.content) if self.since else ():
                found.setdefault(torn, Content.at(self.content.changed_ns, torn))
            self._legal = list(found.values())
        return self._legal


def _torn(before: bytes, after: bytes) -> Iterator[bytes]:
    same = len(before) if after[: len(before)] == before else 0
    new = len(after) - same
    yield after[:same]
    yield after[: same + new // 2]
    yield after[:same] + bytes(new)
    yield after[:same] + bytes(new // 2) + after[same + new // 2 :]


Change = Mapping[str, "File | Folder | None"]
"""What one operation does to a folder's names: None removes one."""


@dataclass(eq=False, slots=True)
class Folder:
    """One folder: its names at the last flush, and the changes since."""

    flushed: dict[str, "File | Folder"] = field(default_factory=dict)
    since: list[Change] = field(default_factory=list)
    names: dict[str, "File | Folder"] = field(default_factory=dict)
    _legal: list[dict[str, "File | Folder"]] | None = None

    def change(self, change: Change) -> None:
        self.since.append(change)
        self.names = _changed(self.names, [change])
        self._legal = None

    def flush(self) -> None:
        self.flushed, self.since, self._legal = dict(self.names), [], None

    def legal(self) -> list[dict[str, "File | Folder"]]:
        """Sets of names that a power cut may leave, each once: all of them, or some where there are very many."""
        if self._legal is None:
            found = {}
            for kept in _subsets(len(self.since)):
                names = _changed(self.flushed, itertools.compress(self.since, kept))
                found.setdefault(tuple(sorted((name, id(node)) for name, node in names.items())), names)
            self._legal = list(found.values())
        return self._legal


def _subsets(size: int) -> Iterator[Sequence[bool]]:
    """Which of ``size`` changes are there: none of them first."""
    if size <= _ALL_OF:
        yield from itertools.product((False, True), repeat=size)
        return
    yield from ([at < kept for at in range(size)] for kept in range(size + 1))
    yield from ([at != lost for at in range(size)] for lost in range(size))
    draw = random.Random(size)
    yield from ([draw.random() < 0.5 for _ in range(size)] for _ in range(2**_ALL_OF))


def _changed(names: dict[str, "File | Folder"], changes: Iterable[Change]) -> dict[str, "File | Folder"]:
    result = dict(names)
    for change in changes:
        for name, node in change.items():
            if node is None:
                result.pop(name, None)
            else:
                result[name] = node
    return result


@dataclass(frozen=True, slots=True)
class State:
    """What is on the disk when the power is back: files by path, and folders."""

    files: Mapping[str, Content]
    folders: tuple[str, ...]

    @property
    def fingerprint(self) -> bytes:
        """Equal for equal states."""
        digest = hashlib.sha256("\0".join(sorted(self.folders)).encode())
        for path in sorted(self.files):
            digest.update(path.encode() + b"\0" + self.files[path].sha256)
        return digest.digest()

    @classmethod
    def of(cls, root: Path) -> "State":
        """What lies in ``root``."""
        paths = {path.relative_to(root).as_posix(): path for path in root.rglob("*")}
        files = {
            name: Content.at(path.stat().st_mtime_ns, path.read_bytes())
            for name, path in paths.items()
            if not path.is_dir()
        }
        return cls(files, tuple(sorted(name for name, path in paths.items() if path.is_dir())))

    def write(self, root: Path) -> None:
        """Make this state real in ``root``, a new folder."""
        root.mkdir()
        for folder in self.folders:
            (root / folder).mkdir()
        for path, content in self.files.items():
            (root / path).write_bytes(content)
            os.utime(root / path, ns=(content.changed_ns, content.changed_ns))


class Disk:
    """Replays a log on what was there before, all of that durable."""

    def __init__(self, before: State) -> None:
        self.root = Folder()
        self._handles: dict[int, File | Folder] = {}
        for path in before.folders:
            self._change(path, Folder())
        for path, content in before.files.items():
            self._change(path, File(content))
        for folder in _nodes(self.root)[0]:
            folder.flush()

    def apply(self, operation: Operation) -> None:
        """Do what the process did."""
        match operation:
            case Open(handle, path, created):
                if created:
                    self._change(path, File())
                self._handles[handle] = self._find(path)
            case Write(handle, offset, data, changed_ns):
                file = self._file(handle)
                padded = file.content.ljust(offset, b"\0")
                whole = padded[:offset] + data + padded[offset + len(data) :]
                file.change(Content.at(changed_ns, whole))
            case Truncate(handle, length, changed_ns):
                file = self._file(handle)
                file.change(Content.at(changed_ns, file.content[:length].ljust(length, b"\0")))
            case Flush(handle):
                self._handles[handle].flush()
            case MakeFolder(path):
                self._change(path, Folder())
            case Remove(path):
                self._change(path, None)
            case Link(source, target):
                self._change(target, self._find(source))
            case Rename(source, target):
                self._rename(source, target)
            case _:
                pass  # a commit or a promise changes no file here

    def _rename(self, source: str, target: str) -> None:
        folder, name = os.path.split(source)
        other, new_name = os.path.split(target)
        if folder != other:
            raise NotImplementedError(f"a rename between folders has no rule here. Received: {source} → {target}")
        self._folder(folder).change({name: None, new_name: self._find(source)})

    def _change(self, path: str, node: File | Folder | None) -> None:
        folder, name = os.path.split(path)
        self._folder(folder).change({name: node})

    def _find(self, path: str) -> File | Folder:
        node: File | Folder = self.root
        for name in path.split("/") if path else ():
            assert isinstance(node, Folder), path
            node = node.names[name]
        return node

    def _folder(self, path: str) -> Folder:
        node = self._find(path)
        assert isinstance(node, Folder), path
        return node

    def _file(self, handle: int) -> File:
        node = self._handles[handle]
        assert isinstance(node, File), handle
        return node

    def has_unflushed(self, handle: int) -> bool:
        """Whether flushing it would change what a power cut may leave."""
        return bool(self._handles[handle].since)

    def visible(self) -> State:
        """What processes see while the power is on."""
        return _state(self.root, {}, {})

    def states(self, draw: random.Random, most: int) -> Iterator[State]:
        """Legal states after a power cut here and now: all of them, or ``most`` drawn where there are more.

        The first holds nothing but what was flushed.
        """
        folders, files = _nodes(self.root)
        names = {folder: folder.legal() for folder in folders}
        contents = {file: file.legal() for file in files}
        if math.prod(len(one) for one in (*names.values(), *contents.values())) <= most:
            for some in itertools.product(*names.values()):
                for content in itertools.product(*contents.values()):
                    yield _state(
                        self.root, dict(zip(names, some, strict=True)), dict(zip(contents, content, strict=True))
                    )
            return
        yield _state(self.root, {folder: folder.flushed for folder in folders}, {file: file.flushed for file in files})
        yield self.visible()
        for _ in range(most - 2):
            some = {folder: draw.choice(legal) for folder, legal in names.items()}
            yield _state(self.root, some, {file: draw.choice(legal) for file, legal in contents.items()})


def _nodes(root: Folder) -> tuple[list[Folder], list[File]]:
    """Every folder and file with anything undecided that some legal state may reach."""
    folders: list[Folder] = []
    files: list[File] = []
    waiting: list[File | Folder] = [root]
    known: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in known:
            continue
        known.add(id(node))
        if isinstance(node, Folder):
            if node.since:
                folders.append(node)
            changed = itertools.chain.from_iterable(change.values() for change in node.since)
            waiting += [one for one in (*node.flushed.values(), *changed) if one is not None]
        elif node.since:
            files.append(node)
    return folders, files


def _state(root: Folder, names: Mapping[Folder, dict[str, File | Folder]], contents: Mapping[File, Content]) -> State:
    found: dict[str, Content] = {}
    folders: list[str] = []
    waiting: list[tuple[str, Folder]] = [("", root)]
    while waiting:
        path, folder = waiting.pop()
        for name, node in names.get(folder, folder.names).items():
            below = f"{path}/{name}" if path else name
            if isinstance(node, Folder):
                folders.append(below)
                waiting.append((below, node))
            else:
                found[below] = contents.get(node, node.content)
    return State(found, tuple(sorted(folders)))
