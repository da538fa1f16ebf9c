"""The verb ``journal``: every training ever, with its parameters and what came of it, as one table.

Nothing is kept for it: it is read from what the runs left behind and from the ledger, neither of which forgets.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core.db.repositories import promotions
from core.durable import write_durably
from training.jobs.runs import Runs
from training.jobs.workplace import MODEL, Workplace
from training.suspects import disarm

COLUMNS = (
    "finished_at",
    "run_key",
    "model",
    "manifest",
    "train_key",
    "package",
    "reused",
    "rows_train",
    "rows_validation",
    "parameters",
    "encoders",
    "warm_start",
    "metrics",
    "decision",
    "weighted_f1",
    "champion_weighted_f1",
    "epoch",
    "seconds",
)
"""``train_key`` of an encoder is the order that named its checkpoint, ``epoch`` the first one that served the package;
``parameters``, ``encoders`` and ``metrics`` are JSON objects. What a run of an older version did not note is empty."""


def tell(workplace: Workplace, *, out: Path | None) -> dict[str, Any]:
    """Write the table to ``out``; the same trainings give the same bytes.

    Returns:
        ``trainings`` (how many) and ``journal`` (the path), or, without ``out``, ``table``: the text itself.
    """
    first_served = _first_epochs(workplace)
    rows = [*_fitted(workplace.runs, first_served), *_tuned(workplace.runs)]
    rows.sort(key=lambda row: [str(row.get(name) or "") for name in ("finished_at", "run_key", "model", "train_key")])
    table = _to_csv(rows)
    if out is None:
        return {"table": table}
    write_durably(out, table.encode())
    return {"trainings": len(rows), "journal": str(out)}


def _first_epochs(workplace: Workplace) -> dict[tuple[str, str], int]:
    """The epoch that served a package first, by its model's name and its sha."""
    found: dict[tuple[str, str], int] = {}
    with workplace.sessions() as session:
        for step in promotions.steps(session):
            for served in step.models.items():
                found.setdefault(served, step.epoch)
    return found


def _fitted(runs: Runs, first_served: Mapping[tuple[str, str], int]) -> Iterator[dict[str, Any]]:
    """A row for each run that trained a model, and for each training that no run remembers."""
    trained = {one["train_key"]: one for one in runs.all_trained()}
    unclaimed = dict(trained)
    for fitted, judged in runs.all_fitted():
        unclaimed.pop(fitted["train_key"], None)
        yield _row(fitted, trained.get(fitted["train_key"], {}), judged, first_served)
    for one in unclaimed.values():
        yield _row({}, one, {}, first_served)


def _row(
    fitted: Mapping[str, Any],
    training: Mapping[str, Any],
    judged: Mapping[str, Any],
    first_served: Mapping[tuple[str, str], int],
) -> dict[str, Any]:
    facts = {**training, **fitted}
    facts["model"] = facts.get("model", MODEL)  # trainings recorded before there was another name have none
    told = {name: facts.get(name) for name in COLUMNS}
    told |= {f"rows_{split}": facts["rows"].get(split) for split in ("train", "validation")}
    told |= {"parameters": training.get("config"), "encoders": training.get("encoders")}
    told |= {name: judged.get(name) for name in ("decision", "weighted_f1", "champion_weighted_f1")}
    told |= {"metrics": judged.get("scores"), "epoch": first_served.get((facts["model"], facts["package"]))}
    return told


def _tuned(runs: Runs) -> Iterator[dict[str, Any]]:
    """A row for each encoder that was fine-tuned here."""
    for one in runs.all_tuned():
        told = {name: one.get(name) for name in COLUMNS}
        told |= {"model": f"encoder of {one['half']}", "train_key": one["order"], "package": one["encoder"]}
        told |= {f"rows_{split}": one["rows"][split] for split in ("train", "validation")}
        how = {name: one[name] for name in ("layers", "seed", "steps", "planned")}
        told |= {"parameters": {**one["config"], **how}, "encoders": {one["half"]: one["from"]}}
        last = {name: values[-1] for name, values in one["curves"].items() if values}
        yield told | {"metrics": last, "weighted_f1": one["validation_weighted_f1"]}


def _to_csv(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: disarm(_cell(row[name])) for name in COLUMNS} for row in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else value
