"""Loading packaged models for the engine."""

from pathlib import Path

from api.serving.engine import ModelLoader, Predictor


def package_loader(packages: Path, threads: int) -> ModelLoader:
    """A loader of the packages below ``packages``; encoders are opened once and shared.

    Args:
        packages: folder with one folder per sha.
        threads: for inference; 0 takes every core.
    """
    pools: list[object] = []

    def load(sha: str) -> Predictor:
        # Imported by the thread that loads, so that the process answers its first request sooner.
        from inference.model import EncoderPool, ServedModel

        if not pools:
            pools.append(EncoderPool(packages, threads))
        return ServedModel.load(packages, sha, encoders=pools[0])

    return load
