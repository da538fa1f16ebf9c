"""The sample's photos: every drawing, every ground, and the settings that name them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from local.sample.drawing import photograph
from local.sample.recipe import read_recipe
from local.sample.scenery import ground
from local.sample.shapes import Tones
from local.sample.sketches import SKETCHES
from local.sample.vocabulary import read_vocabulary

TONES = Tones((200, 40, 40), (40, 200, 40), (40, 40, 200), (20, 20, 20), (240, 240, 240))


@pytest.mark.parametrize("name", sorted(SKETCHES))
def test_a_drawing_stays_near_its_square_and_varies(name: str) -> None:
    sketches = [SKETCHES[name](np.random.default_rng(seed), TONES) for seed in range(6)]
    for sketch in sketches:
        assert sketch
        for piece in sketch:
            assert piece.points.ndim == 2
            assert np.abs(piece.points).max() <= 2.0
            assert all(isinstance(channel, int) and 0 <= channel <= 255 for channel in piece.fill)
    assert len({str([piece.points.tolist() for piece in sketch]) for sketch in sketches}) > 1


def test_the_theme_files_name_drawings_and_grounds_that_exist_and_use_every_drawing() -> None:
    categories = read_vocabulary(read_recipe().words).categories.values()
    named = {name for category in categories for name in category.sketches.words}
    assert named == set(SKETCHES)
    for kind in {kind for category in categories for kind in category.backgrounds}:
        assert ground(kind, (32, 24), np.random.default_rng(0)).size == (32, 24)


def test_an_unknown_ground_is_named() -> None:
    with pytest.raises(ValueError, match="lava"):
        ground("lava", (8, 8), np.random.default_rng(0))


def test_two_photos_of_a_class_differ_and_one_generator_gives_one_photo() -> None:
    recipe = read_recipe()
    vocabulary = read_vocabulary(recipe.words)
    first, again, second = (
        photograph(2583, vocabulary, recipe.photos, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again != second
    assert np.asarray(Image.open(io.BytesIO(first))).std() > 1


def test_a_recipe_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    text = (Path(__file__).parents[4] / "data" / "sample.toml").read_text(encoding="utf-8")
    path = tmp_path / "sample.toml"
    path.write_text(text + "sharpness = 3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="sharpness"):
        read_recipe(path)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        read_recipe(train=-1)
