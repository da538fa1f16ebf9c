"""The answers to a batch in a file that is only added to, so that a batch that was stopped goes on where it was."""

import csv
import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        self._is_csv = path.suffix == ".csv"
        self._writing = threading.Lock()
        path.touch()
        written = path.read_bytes()
        whole = written[: written.rfind(b"\n") + 1]  # a last line that was cut off is asked for again
        if written and not whole:
            raise BadSource(f"{path} holds something else than a batch's results")
        self._done = _keys_of(whole, is_csv=self._is_csv, path=path)
        self._file = path.open("r+b")
        self._file.truncate(len(whole))
        self._file.seek(len(whole))
        if self._is_csv and not whole:
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


def _keys_of(written: bytes, *, is_csv: bool, path: Path) -> set[str]:
    """The keys that have their line."""
    lines = io.StringIO(written.decode("utf-8", "replace"), newline="")
    try:
        if not is_csv:
            return {json.loads(line)["key"] for line in lines}
        rows = csv.DictReader(lines)
        if rows.fieldnames is not None and tuple(rows.fieldnames) != _COLUMNS:
            raise KeyError("another header")
        return {row["key"] for row in rows}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise BadSource(f"{path} holds something else than a batch's results") from error


def _row(cells: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


def _neutral(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula, quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
