"""Curves for TensorBoard, read back with its own reader."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training.event_log import logging_to, write_curves


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by name."""
    events = EventAccumulator(str(folder)).Reload()
    return {tag: [(it.step, pytest.approx(it.value)) for it in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def test_finished_curves_are_read_back_by_expert_and_epoch(tmp_path: Path) -> None:
    curves = {"bert.loss": [1.5, 0.7], "bert.val_accuracy": [0.4, 0.6], "resnet50.loss": [2.0]}
    write_curves(tmp_path, curves)
    write_curves(tmp_path, curves)
    assert read(tmp_path / "bert") == {"loss": [(1, 1.5), (2, 0.7)], "val_accuracy": [(1, 0.4), (2, 0.6)]}
    assert read(tmp_path / "resnet50") == {"loss": [(1, 2.0)]}


def test_what_a_killed_training_repeats_counts_once(tmp_path: Path) -> None:
    for start, end in ((0, 7), (4, 9), (4, 6), (6, 8)):
        with logging_to(tmp_path, start) as events:
            for step in range(start + 1, end + 1):
                events.add(step, {"loss": 100 * start + step})
    assert read(tmp_path)["loss"] == [*((s, s) for s in (1, 2, 3, 4)), (5, 405), (6, 406), (7, 607), (8, 608)]


def test_a_training_from_the_beginning_forgets_the_one_before(tmp_path: Path) -> None:
    for start in (0, 3, 0):
        with logging_to(tmp_path, start) as events:
            events.add(start + 1, {"loss": 1.0})
            whole = events.is_whole
    assert whole
    assert read(tmp_path) == {"loss": [(1, 1.0)]}
