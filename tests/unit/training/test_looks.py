"""Looks at the frozen hold-out: counted once a pair, never lost, per champion, and not begun again by a retraction."""

from pathlib import Path
from types import SimpleNamespace

from core.store.segments import PRODUCTS
from training.jobs.looks import count_look


def snapshot(*, rows: int = 3, sha: str = "a" * 64, split: str = "holdout") -> SimpleNamespace:
    segment = SimpleNamespace(name="000000-base", files={PRODUCTS: SimpleNamespace(sha256=sha)})
    newer = SimpleNamespace(name="000001", files={PRODUCTS: SimpleNamespace(sha256="f" * 64)})
    addresses = [("000000-base", row) for row in range(rows)] + [("000001", 0)]
    products = [SimpleNamespace(split=split)] * rows + [SimpleNamespace(split="fresh")]
    return SimpleNamespace(addresses=addresses, rows=products, segments=(segment, newer))


def test_each_pair_is_one_look_however_often_it_is_judged(tmp_path: Path) -> None:
    first = count_look(tmp_path, snapshot(), champion="old", challenger="new")
    again = count_look(tmp_path, snapshot(), champion="old", challenger="new")
    assert first == again
    assert (first.at_holdout, first.at_champion) == (1, 1)


def test_a_new_champion_starts_from_zero_and_the_hold_out_does_not(tmp_path: Path) -> None:
    for number in range(3):
        count_look(tmp_path, snapshot(), champion="old", challenger=f"new{number}")
    found = count_look(tmp_path, snapshot(), champion="new2", challenger="newer")
    assert (found.at_holdout, found.at_champion) == (4, 1)


def test_a_retracted_row_does_not_make_the_hold_out_a_new_one(tmp_path: Path) -> None:
    count_look(tmp_path, snapshot(rows=3), champion="old", challenger="new")
    assert count_look(tmp_path, snapshot(rows=2), champion="old", challenger="newer").at_holdout == 2
    assert count_look(tmp_path, snapshot(sha="b" * 64), champion="old", challenger="newer").at_holdout == 1


def test_without_a_frozen_hold_out_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    assert count_look(tmp_path, snapshot(split="train"), champion="old", challenger="new") is None
