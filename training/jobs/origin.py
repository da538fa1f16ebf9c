"""What a training was given: enough to do it again. Travels in the package that it made.

    packages/<sha>/origin/origin.json   model, snapshot, encoders, warm start, the sha256 of every file of code
                          config.toml   the configuration's bytes
                          taxonomy.csv  the categories, in their canonical form

None of it is part of the package's identity: two origins that give the same numbers give the same package, and the
first one's is kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from core.domain.taxonomy import Taxonomy
from core.errors import Conflict
from core.registry.packages import CorruptPackage, Package
from training.jobs.runs import train_key, version_of

_FACTS, _CONFIG, _TAXONOMY = "origin/origin.json", "origin/config.toml", "origin/taxonomy.csv"


class NoOrigin(Conflict):
    """The package does not say how it was made: it is older than that record."""

    code = "training.no_origin"


@dataclass(frozen=True, slots=True)
class Origin:
    """Everything that decides a training, beside the training store itself.

    Attributes:
        model: name it is released under.
        manifest: number of the snapshot.
        manifest_sha256: of the snapshot.
        encoders: package sha by feature.
        taxonomy: canonical CSV text of the categories.
        config: bytes of the configuration.
        code: sha256 of every file of code that a training runs through, by path.
        warm_start: sha of the package whose weights it starts from; None starts from nothing.
    """

    model: str
    manifest: int
    manifest_sha256: str
    encoders: Mapping[str, str]
    taxonomy: str
    config: bytes
    code: Mapping[str, str]
    warm_start: str | None = None

    @property
    def code_version(self) -> str:
        """One sha256 for all of the code."""
        return version_of(self.code)

    @property
    def taxonomy_version(self) -> str:
        """Of the categories."""
        return Taxonomy.parse(self.taxonomy).version

    @property
    def train_key(self) -> str:
        """What names the training."""
        return train_key(
            manifest_sha256=self.manifest_sha256,
            code=self.code_version,
            config=self.config,
            encoders=self.encoders,
            taxonomy=self.taxonomy_version,
            model=self.model,
            warm_start=self.warm_start,
        )

    def starting_from(self, package: str | None) -> Self:
        """The same training, from the weights of a package; None: from nothing."""
        return replace(self, warm_start=package)

    def to_files(self) -> dict[str, bytes]:
        """Return the files to put into the package, by name."""
        facts = {
            "model": self.model,
            "manifest": self.manifest,
            "manifest_sha256": self.manifest_sha256,
            "encoders": dict(self.encoders),
            "warm_start": self.warm_start,
            "code_version": self.code_version,
            "train_key": self.train_key,
            "code": dict(self.code),
        }
        text = json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True)
        return {_FACTS: text.encode(), _CONFIG: self.config, _TAXONOMY: self.taxonomy.encode()}

    @classmethod
    def of(cls, package: Package) -> Self:
        """Read what ``to_files`` put into a package.

        Raises:
            NoOrigin: there is nothing of that kind in it.
            CorruptPackage: there is something else.
        """
        if _FACTS not in package.files:
            raise NoOrigin(f"package {package.sha[:12]} does not say how it was made")
        try:
            facts = json.loads(package.file(_FACTS).read_bytes())
            names = ("model", "manifest", "manifest_sha256", "encoders", "warm_start", "code")
            config, taxonomy = package.file(_CONFIG).read_bytes(), package.file(_TAXONOMY).read_text(encoding="utf-8")
            return cls(**{name: facts[name] for name in names}, config=config, taxonomy=taxonomy)
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptPackage(package.path, f"origin: {type(error).__name__}: {error}") from error
