"""What every verb works with: settings, store, packages, encoders and ledger, opened when first asked for."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.db.repositories import promotions
from core.db.session import make_engine, make_readers, make_sessions, make_snapshots
from core.domain.taxonomy import Taxonomy
from core.errors import Invalid
from core.registry.packages import CorruptPackage, MissingPackage, Package, claim, open_package
from core.settings import DatabaseSettings, GateSettings, ModelSettings, ServingSettings, StoreSettings, TrainSettings
from core.store.snapshot import Snapshot
from inference.encoders import EncoderPool
from inference.family import WITHOUT_WEIGHTS, open_encoder
from training.config import FusionConfig
from training.encoders import BUILDERS
from training.family import Recipe, recipe_of
from training.features import FeatureSet, features_of
from training.finetune.chosen import encoder_for
from training.jobs.origin import Origin
from training.jobs.runs import Runs, code_files
from training.jobs.warm import with_start

MODEL = "fusion"
"""The model name that is trained, gated and served by default."""


class UnknownFeature(Invalid):
    """No packaged encoder makes a feature of this name."""

    code = "training.unknown_feature"


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
        self._database, self.serving = database, serving
        self.runs = Runs(store.runs)
        self._encoders: dict[str, Package] = {}

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

    @cached_property
    def snapshots(self) -> sessionmaker[Session]:
        """Sessions that only look, and see one moment of the database however many questions they ask."""
        return make_snapshots(self._engine)

    @cached_property
    def readers(self) -> sessionmaker[Session]:
        """Sessions on it that only look."""
        return make_readers(self._engine)

    def close(self) -> None:
        """Give the database's connections back."""
        self._engine.dispose()

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The active taxonomy."""
        return Taxonomy.from_csv(self.store.root / "taxonomy.csv")

    def encoders(self, features: Iterable[str]) -> dict[str, str]:
        """The encoder's sha for each of some features: of what the settings name, packaged now where it was not.

        Where the champion was fine-tuned from that, of the champion's; where ``use_encoders`` said another, of that.

        Raises:
            BadEncoderSource: a source cannot be loaded; nothing is loaded in its place.
        """
        return {feature: self._encoder(feature) for feature in features}

    def _encoder(self, feature: str) -> str:
        if feature in WITHOUT_WEIGHTS:
            return WITHOUT_WEIGHTS[feature].sha
        if feature not in self._encoders:
            named = BUILDERS[feature](self.model, self.store.packages)
            self._encoders[feature] = encoder_for(named, self._served_encoders.get(feature), self.store.packages)
        return self._encoders[feature].sha

    def use_encoders(self, shas: Mapping[str, str]) -> None:
        """Let this process train over these packages instead of what the settings name, by feature.

        Raises:
            UnknownFeature: no encoder makes one of the features.
            MissingPackage, CorruptPackage: as ``open_package`` says.
        """
        if unknown := sorted(set(shas) - set(BUILDERS)):
            raise UnknownFeature(f"encoders make {', '.join(BUILDERS)}. Received: {', '.join(unknown)}")
        for feature, sha in shas.items():
            self._encoders[feature] = open_package(self.store.packages, claim(self.store.packages, sha).sha)

    @cached_property
    def _served_encoders(self) -> Mapping[str, str]:
        """The champion's encoders by feature; none while there is no champion, or its package is lost."""
        sha = self._served(MODEL)
        try:
            return open_package(self.store.packages, sha, rehash=False).spec["encoders"] if sha else {}
        except (MissingPackage, CorruptPackage):
            return {}

    @cached_property
    def pool(self) -> EncoderPool:
        """Opened encoders, shared by everything in this process."""
        return EncoderPool(self.store.packages, self.serving.inference_threads)

    def snapshot(self, manifest: int | None) -> Snapshot:
        """The live rows of a manifest; None is the newest.

        Raises:
            NoManifest: the store is empty or has no such manifest.
        """
        return Snapshot.open(self.store.training, manifest)

    def features(
        self, snapshot: Snapshot, encoders: Mapping[str, str], *, rows: Sequence[int] | None = None
    ) -> FeatureSet:
        """Features of a snapshot's rows (None: all) by the encoders of these shas, by feature."""
        opened = {feature: open_encoder(feature, sha, self.pool) for feature, sha in encoders.items()}
        return features_of(snapshot, encoders=opened, cache_root=self.store.features, rows=rows)

    def recipe(self, model: str) -> Recipe:
        """How a model of this name is made under today's configuration; raises UnknownModel, BadConfig."""
        return recipe_of(model, FusionConfig.load(self.train.config))

    def origin(self, snapshot: Snapshot, model: str) -> Origin:
        """What a training of ``model`` on this snapshot is given: today's code, configuration, encoders, taxonomy."""
        origin = Origin(
            model=model,
            manifest=snapshot.manifest.number,
            manifest_sha256=snapshot.manifest.sha256,
            encoders=self.encoders(self.recipe(model).features),
            taxonomy=self.taxonomy.to_csv(),
            config=self.train.config.read_bytes(),
            code=code_files(),
        )
        return with_start(origin, snapshot, self.store, lambda: self._served(model))

    def _served(self, model: str) -> str | None:
        with self.sessions() as session:
            release = promotions.current(session)
        return release.models.get(model) if release else None
