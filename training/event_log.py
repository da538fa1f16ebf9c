"""Curves as TensorBoard shows them: a folder for each training, numbers by name over steps.

What is watched does not know of it: nothing here is part of a model, of its package or of what names a training.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from core.durable import make_folder

_FILE = "events.out.tfevents."


class EventLog:
    """Writes one training's numbers, from the step on at which it begins or goes on.

    A job that goes on from a checkpoint repeats some steps: what earlier files say of those no longer counts.

    Args:
        folder: of this training; made where it is not there.
        start: batches learnt from so far.
    """

    def __init__(self, folder: Path, start: int = 0) -> None:
        make_folder(folder)
        for path in folder.glob(f"{_FILE}*"):
            if int(path.name.removeprefix(_FILE)) >= start:
                path.unlink()
        self.is_whole = not any(folder.glob(f"{_FILE}*"))
        """Whether nothing of this training was written here before."""
        self._records = RecordWriter((folder / f"{_FILE}{start:012d}").open("wb"))
        self._write(Event(file_version="brain.Event:2"))
        if not self.is_whole:
            self._write(Event(step=start + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write ``numbers`` by name at ``step``, so that somebody who watches sees them."""
        values = [Summary.Value(tag=name, simple_value=number) for name, number in numbers.items()]
        self._write(Event(step=step, summary=Summary(value=values)))

    def close(self) -> None:
        """No more will come."""
        self._records.close()

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
        self._records.flush()


@contextmanager
def logging_to(folder: Path, start: int = 0) -> Iterator[EventLog]:
    """An ``EventLog`` that is closed at the end."""
    events = EventLog(folder, start)
    try:
        yield events
    finally:
        events.close()


def write_curves(folder: Path, curves: Mapping[str, Sequence[float]]) -> None:
    """Write finished curves named ``expert.curve``, one value an epoch, each expert's into a folder of its own."""
    by_expert: dict[str, dict[str, Sequence[float]]] = {}
    for name, values in curves.items():
        expert, _, curve = name.partition(".")
        by_expert.setdefault(expert, {})[curve] = values
    for expert, named in by_expert.items():
        with logging_to(folder / expert) as events:
            for epoch in range(max(map(len, named.values()))):
                events.add(epoch + 1, {curve: values[epoch] for curve, values in named.items() if epoch < len(values)})
