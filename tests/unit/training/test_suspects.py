"""Planted label errors are found, and a list of them is safe to open."""

import numpy as np

from core.store.rows import TrainingRow
from training.suspects import Suspect, as_dicts, find_suspects, to_csv

CODES = (10, 40, 60, 99)


def row(number: int) -> TrainingRow:
    name = f"p{number}" if number % 2 else ""
    return TrainingRow(str(number), name, f"title {number}", "", 10, "", "base", "train", str(number), "", "", "")


def answers(labels: np.ndarray, columns: int = 4) -> np.ndarray:
    """A good model that has not learnt from the rows: it gives the true class most of the weight."""
    noise = np.random.default_rng(4).dirichlet(np.ones(columns), len(labels))
    return 0.7 * np.eye(columns)[labels] + 0.3 * noise


def test_planted_errors_are_found_worst_first_and_little_else_is() -> None:
    truth = np.arange(300) % 3
    given = truth.copy()
    planted = np.arange(0, 300, 31)
    given[planted] = (given[planted] + 1) % 3
    found = find_suspects([row(number) for number in range(300)], given, answers(truth), CODES)
    assert {int(one.product_id) for one in found} <= set(planted.tolist())
    assert len(found) >= 0.8 * len(planted)
    assert all(one.suggested == CODES[truth[int(one.product_id)]] for one in found)
    assert [one.quality for one in found] == sorted(one.quality for one in found)


def test_right_labels_raise_no_suspicion_and_few_rows_raise_none() -> None:
    truth = np.arange(90) % 3
    assert find_suspects([row(number) for number in range(90)], truth, answers(truth), CODES) == []
    assert find_suspects([row(0)], np.array([0]), answers(np.array([0])), CODES) == []


def test_no_more_are_named_than_anybody_looks_at() -> None:
    truth = np.arange(300) % 3
    given = np.where(np.arange(300) % 10 == 0, (truth + 1) % 3, truth)
    assert len(find_suspects([row(number) for number in range(300)], given, answers(truth), CODES, most=5)) == 5


def test_suspects_survive_json_and_their_table_disarms_formulas() -> None:
    one = Suspect("7", "", '=HYPERLINK("x")', 10, 40, 0.01)
    [values] = as_dicts([one])
    assert Suspect.from_dict(values) == one
    assert to_csv([one]).splitlines()[1] == '7,,"\'=HYPERLINK(""x"")",10,40,0.01'
