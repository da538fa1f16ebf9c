"""Verifying a packaged model with the encoders that it needs."""

from pathlib import Path

import numpy as np
import pytest

from core.registry.models import verify_model
from core.registry.packages import CorruptPackage, MissingPackage, write_package


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    return write_package(tmp_path, kind="text-encoder", spec={}, arrays={"weights": np.ones(2)}).sha


@pytest.fixture
def model(tmp_path: Path, encoder: str) -> str:
    spec = {"encoders": {"text": encoder}}
    return write_package(tmp_path, kind="model", spec=spec, arrays={"weights": np.zeros(2)}).sha


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def test_a_damaged_encoder_is_found(tmp_path: Path, model: str, encoder: str) -> None:
    verify_model(tmp_path, model)
    damage(tmp_path / encoder / "arrays.safetensors")
    with pytest.raises(CorruptPackage):
        verify_model(tmp_path, model)


def test_an_encoder_in_use_is_not_hashed_but_has_to_be_there(tmp_path: Path, model: str, encoder: str) -> None:
    damage(tmp_path / encoder / "arrays.safetensors")
    verify_model(tmp_path, model, in_use={encoder})
    (tmp_path / encoder).rename(tmp_path / "elsewhere")
    with pytest.raises(MissingPackage):
        verify_model(tmp_path, model, in_use={encoder})


def test_the_models_own_files_are_always_hashed(tmp_path: Path, model: str, encoder: str) -> None:
    damage(tmp_path / model / "arrays.safetensors")
    with pytest.raises(CorruptPackage):
        verify_model(tmp_path, model, in_use={encoder, model})
