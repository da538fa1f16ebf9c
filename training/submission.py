"""The challenge's submission file: one line a product, written as it is answered, continued where it was stopped.

    ,prdtypecode          the header of Y_train_CVw08PX.csv
    84916,2583            the product's index in X_test_update.csv, the code

Lines are appended to ``<name>.partial`` and flushed batch by batch; beside it ``<name>.json`` says whose answers they
are, and to what. Only a file that is complete gets its name.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.durable import make_folder, write_durably
from core.errors import Conflict

HEADER = ",prdtypecode\n"


class OtherSubmission(Conflict):
    """The file at this place holds answers of another model or to other products."""

    code = "submission.other"


@dataclass(frozen=True, slots=True)
class SubmissionFile:
    """One submission, finished or not.

    Attributes:
        path: where it will lie.
        about: what it holds: package and catalogue, by name.
        indices: of the products, in order.
    """

    path: Path
    about: Mapping[str, str]
    indices: Sequence[str]

    def write(self, answer: Callable[[int, int], Sequence[int]], *, batch: int) -> None:
        """Answer every product that is not in the file yet, then give the file its name.

        Args:
            answer: codes of the products from the first position up to (not with) the second.
            batch: products at a time: what a killed job loses at most.

        Raises:
            OtherSubmission: something else lies at ``path``.
        """
        self._claim()
        if self.path.exists():
            return
        done = self._repair()
        with self._partial.open("a", encoding="ascii", newline="") as file:
            for start in range(done, len(self.indices), batch):
                end = min(start + batch, len(self.indices))
                codes = zip(self.indices[start:end], answer(start, end), strict=True)
                file.write("".join(f"{index},{code}\n" for index, code in codes))
                file.flush()
                os.fsync(file.fileno())
        self._partial.replace(self.path)

    def codes(self) -> list[int]:
        """The codes of a finished file, in order."""
        lines = self.path.read_text(encoding="ascii").splitlines()[1:]
        return [int(line.rpartition(",")[2]) for line in lines]

    @property
    def _partial(self) -> Path:
        return self.path.with_name(f"{self.path.name}.partial")

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    def _claim(self) -> None:
        """Say what lies here, or find that it was said before."""
        make_folder(self.path.parent)
        said = json.dumps(dict(self.about), sort_keys=True)
        if self._note.exists():
            if self._note.read_text(encoding="utf-8") != said:
                raise OtherSubmission(f"{self.path} holds another model's answers or other products: name another file")
        elif self.path.exists():
            raise OtherSubmission(f"{self.path} is there and was not made here: name another file")
        else:
            self._partial.unlink(missing_ok=True)
            write_durably(self._note, said.encode())

    def _repair(self) -> int:
        """Cut off a line that was not finished; returns how many products are answered."""
        text = self._partial.read_bytes() if self._partial.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        lines = whole.decode("ascii", "replace").splitlines(keepends=True)
        known = [line.rpartition(",")[0] for line in lines[1:]]
        if not lines or lines[0] != HEADER or known != list(self.indices[: len(known)]):
            self._partial.write_bytes(HEADER.encode())
            return 0
        with self._partial.open("r+b") as file:
            file.truncate(len(whole))
        return len(known)
