import numpy as np

from training.finetune.augmentation import augment
from training.finetune.config import ImageFinetuneConfig


def config(flip: float = 0.5, crop: float = 0.3, jitter: float = 0.3) -> ImageFinetuneConfig:
    return ImageFinetuneConfig(
        epochs=1,
        learning_rate=1e-3,
        warmup=0.1,
        weight_decay=0.0,
        label_smoothing=0.0,
        dropout=0.0,
        balance=0.0,
        batch_rows=8,
        patience=1,
        checkpoint_steps=10,
        flip=flip,
        crop=crop,
        jitter=jitter,
    )


PHOTOS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
KEYS = [(1, 0, row) for row in range(4)]


def test_the_same_key_changes_a_photo_in_the_same_way_among_any_others() -> None:
    together = augment(PHOTOS, KEYS, config())
    alone = np.concatenate([augment(PHOTOS[row : row + 1], KEYS[row : row + 1], config()) for row in (2, 0, 3, 1)])
    np.testing.assert_array_equal(alone, together[[2, 0, 3, 1]])
    assert (together.shape, together.dtype) == (PHOTOS.shape, np.uint8)


def test_another_epoch_changes_it_in_another_way_and_the_photo_itself_stays() -> None:
    before = PHOTOS.copy()
    first, second = (augment(PHOTOS, [(1, epoch, row) for row in range(4)], config()) for epoch in (0, 1))
    assert (first != second).any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(PHOTOS, before)


def test_nothing_changes_where_nothing_may() -> None:
    np.testing.assert_array_equal(augment(PHOTOS, KEYS, config(flip=0, crop=0, jitter=0)), PHOTOS)


def test_a_photo_that_must_be_mirrored_is() -> None:
    np.testing.assert_array_equal(augment(PHOTOS, KEYS, config(flip=1, crop=0, jitter=0)), PHOTOS[:, :, ::-1])


def test_a_closer_cut_stays_inside_the_photo() -> None:
    framed = np.zeros((1, 32, 32, 3), np.uint8)
    framed[:, 12:20, 12:20] = 200
    shares = [(augment(framed, [(seed,)], config(flip=0, crop=0.6, jitter=0)) > 100).mean() for seed in range(30)]
    assert min(shares) >= (framed > 100).mean() * 0.5
    assert max(shares) > (framed > 100).mean() * 2


def test_other_light_keeps_white_and_black_in_range() -> None:
    extremes = np.stack([np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)])
    lit = augment(extremes, [(5,), (6,)], config(flip=0, crop=0, jitter=0.9))
    assert lit[0].max() == 0
    assert lit[1].min() > 0
