"""From nothing to a first release: a catalogue and a champion. Both are safe to repeat."""

from pathlib import Path

from local.state import State
from local.system import System


def has_catalogue(state: State) -> bool:
    """Whether the training store has begun."""
    return any((state.root / "training" / "manifests").glob("*.json"))


def generate_sample(system: System, limit: int | None) -> Path:
    """A generated catalogue in the challenge's layout, made once a state: ``limit`` products and as many to arrive."""
    folder = system.state.root / "sample"
    if not folder.is_dir():
        draft = folder.with_name("sample.new")
        size = [] if limit is None else ["--train", str(limit), "--incoming", str(limit)]
        system.module("local.sample", "--out", str(draft), *size)
        draft.rename(folder)
    return folder


def has_champion(state: State) -> bool:
    """Whether ``release_first_champion`` has ended well."""
    return _done(state).exists()


def release_first_champion(system: System) -> None:
    """Build the encoders, train on the newest manifest, and release the result as epoch 1."""
    system.job("training.jobs", "first", "--run-key", "first")
    _done(system.state).touch()


def _done(state: State) -> Path:
    return state.run / "first-champion"
