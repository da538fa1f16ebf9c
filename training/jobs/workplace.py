"""What every verb works with: settings, store, packages, encoders and ledger, opened when first asked for."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.db.session import make_engine, make_sessions
from core.domain.taxonomy import Taxonomy
from core.registry.packages import Package
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from core.store.snapshot import Snapshot
from inference.encoders import EncoderPool
from training.encoders import build_image_encoder, build_text_encoder
from training.features import FeatureSet, features_of
from training.jobs.runs import Runs, code_version, train_key

MODEL = "fusion"
"""The model name that is trained, gated and served by default."""


@dataclass(frozen=True, slots=True)
class Encoders:
    """The encoder packages that the next training uses."""

    text: Package
    image: Package

    @property
    def shas(self) -> dict[str, str]:
        """Package shas by kind."""
        return {"text": self.text.sha, "image": self.image.sha}


@dataclass
class Stopwatch:
    """Seconds of each stage, for the result and the tracking server.

    Attributes:
        seconds: elapsed seconds by stage.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as ``name``."""
        started = time.monotonic()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - started, 2)

    def report(self) -> dict[str, Any]:
        """``stages`` (seconds by name) and their sum, ``seconds``: the end of every verb's result."""
        return {"seconds": round(sum(self.seconds.values()), 2), "stages": self.seconds}


class Workplace:
    """One process's view of store, packages, ledger and settings."""

    def __init__(
        self,
        *,
        store: StoreSettings,
        model: ModelSettings,
        train: TrainSettings,
        gate: GateSettings,
        database: DatabaseSettings,
        serving: ServingSettings,
    ) -> None:
        self.store, self.model, self.train, self.gate = store, model, train, gate
        self._database, self._serving = database, serving
        self.runs = Runs(store.runs)

    @classmethod
    def from_environment(cls) -> Self:
        """Built from the process's environment."""
        return cls(
            store=StoreSettings(),
            model=ModelSettings(),
            train=TrainSettings(),
            gate=GateSettings(),
            database=DatabaseSettings(),
            serving=ServingSettings(),
        )

    @cached_property
    def _engine(self) -> Engine:
        return make_engine(self._database)

    @cached_property
    def sessions(self) -> sessionmaker[Session]:
        """Sessions on the staging database, which holds the ledger."""
        return make_sessions(self._engine)

    def close(self) -> None:
        """Give the database's connections back."""
        self._engine.dispose()

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The active taxonomy."""
        return Taxonomy.from_csv(self.store.root / "taxonomy.csv")

    @cached_property
    def encoders(self) -> Encoders:
        """The encoders that the settings name, packaged now where they were not."""
        return Encoders(
            text=build_text_encoder(self.model, self.store.packages),
            image=build_image_encoder(self.model, self.store.packages),
        )

    @cached_property
    def pool(self) -> EncoderPool:
        """Opened encoders, shared by everything in this process."""
        return EncoderPool(self.store.packages, self._serving.inference_threads)

    def snapshot(self, manifest: int | None) -> Snapshot:
        """The live rows of a manifest; None is the newest.

        Raises:
            NoManifest: the store is empty or has no such manifest.
        """
        return Snapshot.open(self.store.training, manifest)

    def features(
        self, snapshot: Snapshot, encoders: Mapping[str, str], *, rows: Sequence[int] | None = None
    ) -> FeatureSet:
        """Features of a snapshot's rows (None: all) by the encoders whose shas are ``text`` and ``image``."""
        text, image = self.pool.text(encoders["text"]), self.pool.image(encoders["image"])
        return features_of(snapshot, text=text, image=image, cache_root=self.store.features, rows=rows)

    def train_key(self, snapshot: Snapshot) -> str:
        """What names a training on this snapshot with today's code, configuration, encoders and taxonomy."""
        return train_key(
            manifest_sha256=snapshot.manifest.sha256,
            code=code_version(),
            config=self.train.config.read_bytes(),
            encoders=self.encoders.shas,
            taxonomy=self.taxonomy.version,
        )
