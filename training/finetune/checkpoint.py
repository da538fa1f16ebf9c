"""Where a fine-tuning stands, on the disk: all that its next step depends on."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from core.durable import make_folder, write_durably

_FILE = "checkpoint.safetensors"
_CURVES = ("loss", "val_loss", "val_accuracy", "val_weighted_f1")


@dataclass(slots=True)
class Standing:
    """What has happened so far, beside the weights.

    Attributes:
        step: batches learnt from; with the seed it gives the next batch, so this is the place in the data's order.
        losses: of the epoch that is under way, one a step.
        curves: ``loss`` of every finished epoch, and what the validation rows said then.
        best: the weights of the best epoch, in the model's order; empty before the first is judged.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _CURVES})
    best: list[NDArray[np.generic]] = field(default_factory=list)

    def save(self, model: keras.Model, folder: Path) -> None:
        """Replace the folder's checkpoint by this standing and the state of ``model`` and its optimizer."""
        facts = {"step": self.step, "losses": self.losses, "curves": self.curves}
        groups = {"model": model.variables, "optimizer": model.optimizer.variables, "best": self.best}
        arrays = {
            f"{group}.{index:05d}": np.array(variable)
            for group, variables in groups.items()
            for index, variable in enumerate(variables)
        }
        make_folder(folder)
        write_durably(folder / _FILE, safetensors.numpy.save(arrays, metadata={"standing": json.dumps(facts)}))

    @classmethod
    def load(cls, model: keras.Model, folder: Path) -> Self:
        """The folder's standing, its state put into ``model`` and its optimizer; without a checkpoint the beginning."""
        path = folder / _FILE
        if not path.is_file():
            return cls()
        facts = _facts(path)
        arrays = safetensors.numpy.load_file(path)
        _assign(model.variables, _group(arrays, "model"))
        _assign(model.optimizer.variables, _group(arrays, "optimizer"))
        return cls(**facts, best=_group(arrays, "best"))

    @staticmethod
    def steps_in(folder: Path) -> int:
        """Batches that the folder's checkpoint has learnt from; 0 without one."""
        path = folder / _FILE
        return _facts(path)["step"] if path.is_file() else 0


def _facts(path: Path) -> dict[str, Any]:
    with safetensors.safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["standing"])


def _group(arrays: Mapping[str, NDArray[np.generic]], group: str) -> list[NDArray[np.generic]]:
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{group}.")]


def _assign(variables: Sequence[keras.Variable], arrays: Sequence[NDArray[np.generic]]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
