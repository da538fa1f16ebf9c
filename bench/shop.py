"""The system that the benches serve: a generated catalogue and the champion that was trained on it.

It is built once (a minute or two) under ``bench/results/shop`` by the commands that a person would use, and again
when the code of the model changes. Every bench serves a copy of its database, so that each starts from the same rows.
"""

import contextlib
import csv
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.tables import RESULTS, say
from core.db.repositories import promotions
from core.db.session import make_engine, make_sessions
from core.registry.packages import open_package, write_package
from core.settings import DatabaseSettings
from inference.golden_products import GOLDEN
from training.jobs.runs import code_version

PROJECT = Path(__file__).resolve().parents[1]
USER = "bench"
_FOREIGN = ("DB_", "STORE_", "SERVING_", "AUTH_", "TRAIN_", "GATE_", "LOOP_", "AIRFLOW", "MLFLOW")
_PRODUCTS = 400


@dataclass(frozen=True, slots=True)
class Shop:
    """A folder with a database, a store and accounts."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where packaged models and encoders lie."""
        return self.folder / "packages"

    @property
    def key(self) -> Path:
        """The file with the key that signs tokens."""
        return self.folder / "auth.key"

    def environment(self, **more: str) -> dict[str, str]:
        """What processes of this shop run with; ``more`` on top."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
        ours = {
            "PYTHONPATH": str(PROJECT),
            "STORE_ROOT": str(self.folder),
            "DB_URL": f"sqlite:///{self.folder}/etalon.db",
            "AUTH_KEY_FILE": str(self.key),
            "AUTH_TOKEN_MINUTES": "60",
            "AUTH_REQUESTS_PER_MINUTE": "1000000",
            "TRAIN_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db",
            "TRAIN_CONFIG": str(PROJECT / "training" / "config.toml"),
            "GATE_POLICY": str(PROJECT / "mlflow" / "gate.toml"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder}/mlflow.db",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
        }
        return {**kept, **ours, **more}

    def run(self, *module: str, stdin: str = "") -> None:
        """Run ``python -m module…`` in this shop; its output goes to ``build.log``."""
        with (self.folder / "build.log").open("a", encoding="utf-8") as log:
            command = [sys.executable, "-m", *module]
            done = subprocess.run(
                command, cwd=self.folder, env=self.environment(), input=stdin, text=True, stdout=log, stderr=log
            )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(module[:2])} failed; see {log.name}")

    @contextlib.contextmanager
    def opened(self) -> Iterator[Path]:
        """A shop of its own, in a folder that is removed afterwards: same packages, same accounts, no predictions."""
        folder = Path(tempfile.mkdtemp(prefix="copy-", dir=self.folder.parent))
        try:
            for name in ("etalon.db", "taxonomy.csv", "auth.key", "password"):
                shutil.copy(self.folder / name, folder / name)
            (folder / "packages").symlink_to(self.packages)
            yield folder
        finally:
            shutil.rmtree(folder)

    def champion(self) -> str:
        """The sha of the package that is released."""
        engine = make_engine(DatabaseSettings(url=f"sqlite:///{self.folder}/etalon.db"))
        try:
            with make_sessions(engine)() as session:
                row = promotions.current(session)
                assert row is not None
                return row.models["fusion"]
        finally:
            engine.dispose()

    def products(self) -> list[tuple[str, str, bytes]]:
        """Title, description and photo file of every product of the catalogue."""
        catalogue = self.folder / "sample"
        with (catalogue / "X_train_update.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        photos = catalogue / "images" / "image_train"
        return [
            (
                row["designation"],
                row["description"],
                (photos / f"image_{row['imageid']}_product_{row['productid']}.jpg").read_bytes(),
            )
            for row in rows
        ]


def ready_shop() -> Shop:
    """The shop, built now where it is missing or was built by other code."""
    shop = Shop(RESULTS / "shop")
    stamp, code = shop.folder / "built-by", code_version()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == code:
        return shop
    say("building what is served: a catalogue, its encoders and its first champion (once; a minute or two)")
    if shop.folder.exists():
        shutil.rmtree(shop.folder)
    shop.folder.mkdir(parents=True)
    shop.key.write_text(secrets.token_hex(32), encoding="utf-8")
    password = secrets.token_urlsafe(18)
    (shop.folder / "password").write_text(password, encoding="utf-8")
    shop.run("local.sample", "--out", "sample", "--train", str(_PRODUCTS), "--incoming", "10")
    shop.run("core.db", "migrate")
    shop.run("api.accounts", "create", "--username", USER, "--role", "customer", stdin=f"{password}\n")
    shop.run("preprocessing.ingest", "import", "--data", "sample")
    shop.run("training.jobs", "first", "--run-key", "bench")
    stamp.write_text(code, encoding="utf-8")
    return shop


def another_package(shop: Shop, name: str) -> str:
    """The champion under another sha: the same arrays, and a word more in its spec."""
    package = open_package(shop.packages, shop.champion())
    golden = package.file(GOLDEN).read_bytes()
    spec = json.loads(json.dumps({**package.spec, "variant": name}))
    arrays = package.arrays()
    return write_package(shop.packages, kind=package.kind, spec=spec, arrays=arrays, extra_files={GOLDEN: golden}).sha
