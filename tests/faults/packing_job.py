# ruff: noqa: T201 - what it prints is its result
"""Run as a process: what a training leaves on the disk, a package and the cached features of a snapshot's rows."""

import hashlib
import json
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.settings import StoreSettings
from core.store.snapshot import Snapshot
from inference.appearance import Appearance
from tests.faults.shopfront import upload
from tests.integration.api.packaged import write_tiny_model
from training.features import features_of


class ToyEncoder:
    """The length of a text, or the mean of a photo, as one feature."""

    sha = "e" * 64
    width = 1

    def features(self, inputs: Sequence[str] | NDArray[np.uint8], /) -> NDArray[np.float16]:
        return np.array([[len(one) if isinstance(one, str) else one.mean()] for one in inputs], np.float16)


def main() -> int:
    """Write both; the last line says what they are."""
    store = StoreSettings()
    encoder = ToyEncoder()
    encoders = {"text": encoder, "image": encoder, "appearance": Appearance()}
    found = features_of(Snapshot.open(store.training), encoders=encoders, cache_root=store.features)
    digest = hashlib.sha256(b"".join(found.arrays[name].tobytes() for name in sorted(found.arrays))).hexdigest()
    print(json.dumps({"package": write_tiny_model(store.packages, upload(0).data), "features": digest}))
    return 0


if __name__ == "__main__":
    main()
