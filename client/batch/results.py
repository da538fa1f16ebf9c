"""The answers to a batch in a file that is only added to, so that a batch that was stopped goes on where it was."""

import csv
import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from client.answers import Prediction
from client.batch.sources import BadSource, Product

_COLUMNS = (
    "reference",
    "key",
    "prediction_id",
    "prdtypecode",
    "label",
    "theme",
    "confidence",
    "modality",
    "model",
    "model_version",
    "error",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Results:
    """One line a product: its answer, or the code it was refused with. ``.jsonl`` takes whole answers, ``.csv`` a row.

    Args:
        path: made where it is missing, gone on with where it is not.

    Raises:
        BadSource: its name ends otherwise, or it holds something else.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".csv", ".jsonl"):
            raise BadSource(f"{path}: results are written to a .csv or a .jsonl file")
        self.path = path
        self._is_csv = path.suffix == ".csv"
        self._file = _without_torn_end(path)
        self._writing = threading.Lock()
        self._done = self._read_done()
        if self._is_csv and self._file.tell() == 0:
            self._add(_row(_COLUMNS))

    def __enter__(self) -> "Results":
        return self

    def __exit__(self, *raised: object) -> None:
        self._file.close()

    def has(self, key: str) -> bool:
        """Whether the product that is asked under ``key`` has its line."""
        return key in self._done

    def answered(self, product: Product, key: str, prediction: Prediction) -> None:
        """Write an answer down."""
        known = {
            "prediction_id": prediction.id,
            "prdtypecode": prediction.prdtypecode,
            "label": prediction.label,
            "theme": prediction.theme,
            "confidence": prediction.confidence,
            "modality": prediction.modality,
            "model": prediction.model.name,
            "model_version": prediction.model.version,
        }
        self._write(product, key, known if self._is_csv else {"prediction": dict(prediction.document)})

    def refused(self, product: Product, key: str, code: str) -> None:
        """Write down that there is no answer, and why."""
        self._write(product, key, {"error": code})

    def _write(self, product: Product, key: str, facts: Mapping[str, Any]) -> None:
        line = {"reference": product.reference, "key": key, **facts}
        if self._is_csv:
            self._add(_row([_neutral(line.get(column, "")) for column in _COLUMNS]))
        else:
            self._add(json.dumps(line, ensure_ascii=False) + "\n")
        self._done.add(key)

    def _add(self, line: str) -> None:
        with self._writing:
            self._file.write(line.encode("utf-8", "backslashreplace"))
            self._file.flush()

    def _read_done(self) -> set[str]:
        self._file.seek(0)
        lines = io.TextIOWrapper(io.BytesIO(self._file.read()), encoding="utf-8", newline="")
        try:
            if not self._is_csv:
                return {json.loads(line)["key"] for line in lines}
            rows = csv.DictReader(lines)
            if rows.fieldnames is not None and tuple(rows.fieldnames) != _COLUMNS:
                raise BadSource(f"{self.path} holds something else than a batch's results")
            return {row["key"] for row in rows}
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            raise BadSource(f"{self.path} holds something else than a batch's results") from error


def _without_torn_end(path: Path) -> BinaryIO:
    """The file, open to be added to; a last line that was cut off is taken away and asked for again."""
    path.touch()
    file = path.open("r+b")
    whole = file.read().rfind(b"\n") + 1
    file.truncate(whole)
    file.seek(whole)
    return file


def _row(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _neutral(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula, quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
