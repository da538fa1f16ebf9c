"""The gate study's own tools: deals that keep copies together, flips of the promised size, gains as planted."""

import numpy as np
import pytest

from bench.gate_study.study import clopper_pearson
from bench.gate_study.trials import plant, score
from bench.gate_study.worlds import BASE, BATCH, FLIPPED, FRESH, HOLDOUT, World
from training.draws import Answers

CLUSTERS = np.array([f"c{row // 2}" for row in range(2000)])
TRUTH = np.random.default_rng(0).integers(0, 12, 2000) * 10


def test_a_world_deals_clusters_whole_and_the_same_way_every_time() -> None:
    world = World.deal(3, CLUSTERS)
    assert (world.parts == World.deal(3, CLUSTERS).parts).all()
    assert (world.parts[::2] == world.parts[1::2]).all()
    assert set(world.parts) == {BASE, BATCH, FRESH, HOLDOUT}
    assert 0.28 < (world.parts == HOLDOUT).mean() < 0.38


@pytest.mark.parametrize("model", ["random-0", "systematic-0"])
def test_a_poisoned_batch_has_a_fifth_of_its_labels_wrong_and_nothing_else(model: str) -> None:
    world = World.deal(3, CLUSTERS)
    wrong = world.labels(model, TRUTH) != TRUTH
    new = (world.parts == BATCH) | (world.parts == FRESH)
    assert not wrong[~new].any()
    assert FLIPPED - 0.06 <= wrong[new].mean() <= FLIPPED + 0.001


def test_right_updates_are_taught_the_truth_and_a_bootstrap_draws_among_the_same_rows() -> None:
    world = World.deal(3, CLUSTERS)
    assert (world.labels("update-1", TRUTH) == TRUTH).all()
    whole, drawn = (world.rows_learnt(model, CLUSTERS) for model in ("update-0", "bootstrap-0"))
    assert set(drawn) < set(whole)
    assert set(world.parts[world.rows_learnt("champion", CLUSTERS)]) == {BASE}


@pytest.mark.parametrize("gain", [0.0, 0.01, 0.02])
@pytest.mark.parametrize("accuracy", [0.7, 0.9])
def test_a_planted_gain_is_the_gain_in_truth(gain: float, accuracy: float) -> None:
    random = np.random.default_rng(1)

    def answers(share: float) -> Answers:
        right = random.random(len(TRUTH)) < share
        return Answers(np.where(right, TRUTH, (TRUTH + 10) % 120), np.full(len(TRUTH), 0.8))

    champion, challenger = answers(0.8), answers(accuracy)
    changed = plant(TRUTH, champion, challenger, gain, random)
    assert score(TRUTH, changed.codes) - score(TRUTH, champion.codes) == pytest.approx(gain, abs=0.001)


def test_the_interval_of_a_share_is_the_exact_one() -> None:
    assert clopper_pearson(0, 200) == pytest.approx((0.0, 0.0183), abs=1e-4)
    assert clopper_pearson(200, 200) == pytest.approx((0.9817, 1.0), abs=1e-4)
    assert clopper_pearson(10, 200) == pytest.approx((0.0242, 0.0900), abs=1e-4)
