"""``python docker/airflow/begin.py``: from an empty store to a first release; over at once where there is one.

The catalogue in /catalogue becomes the base of the training store, or a generated one where that folder holds none;
then the encoders are built, a model is trained, and released as epoch 1. What was done before it was cut off is kept.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CATALOGUE = Path("/catalogue")
STORE = Path(os.environ["STORE_ROOT"])


def main() -> None:
    """Import, train, release."""
    if not any((STORE / "training" / "manifests").glob("*.json")):
        data = CATALOGUE if (CATALOGUE / "X_train_update.csv").exists() else _sample()
        limit = os.environ.get("CATALOGUE_LIMIT")
        _run("preprocessing.ingest", "import", "--data", str(data), *(["--limit", limit] if limit else []))
    _run("training.jobs", "first", "--run-key", "first")
    print("the store has begun, and a model is released", flush=True)


def _sample() -> Path:
    """A generated catalogue in the challenge's layout."""
    folder = STORE / "sample"
    if not folder.is_dir():
        draft = STORE / "sample.new"
        shutil.rmtree(draft, ignore_errors=True)
        limit = os.environ.get("CATALOGUE_LIMIT")
        size = ["--train", limit, "--incoming", limit] if limit else []
        _run("local.sample", "--out", str(draft), *size)
        draft.rename(folder)
    return folder


def _run(module: str, *arguments: str) -> None:
    print(f"── {module} {' '.join(arguments)}", flush=True)
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
    if done.returncode != 0:
        sys.exit(f"{module} ended with {done.returncode}; what it said stands above. docker compose up tries again")


if __name__ == "__main__":
    main()
