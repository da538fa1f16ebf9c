"""Moving the release by a person's decision: everything is loaded and checked before the ledger moves."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from api.models.schemas import PromotionOrder
from api.serving.engine import ServingEngine
from core.db.models import Promotion
from core.db.repositories import judgements, promotions
from core.db.repositories.judgements import Judged
from core.db.repositories.promotions import NO_EPOCH, EpochMoved
from core.domain.gate import Outcome
from core.domain.promotion import GATED, GateFinding, PromotionKind, kind_of_promotion
from core.domain.taxonomy import Taxonomy
from core.errors import Conflict, EtalonError
from core.registry.models import ModelFacts, UnknownVersion, read_model, verify_model
from core.registry.packages import CorruptPackage, MissingPackage, claim

_log = logging.getLogger(__name__)


class PackageRefused(Conflict):
    """A package is damaged, or does not repeat its golden answers here; what is served stays.

    Attributes:
        version: the package's sha256.
        cause: the code of what is wrong with it.
    """

    code = "release.package_refused"

    def __init__(self, version: str, cause: str) -> None:
        super().__init__(f"Package {version[:12]} cannot be served ({cause}); what is served stays.")
        self.version = version
        self.cause = cause


class OtherTaxonomy(Conflict):
    """The model answers in categories that are not in the active taxonomy."""

    code = "release.other_taxonomy"


class AlreadyServed(Conflict):
    """The package is what answers under its name now."""

    code = "release.already_served"


class NoChampion(Conflict):
    """Nothing is served yet, and a companion needs a champion to stand beside."""

    code = "release.no_champion"


@dataclass(frozen=True, slots=True)
class PackageDesk:
    """Checks packages before a release names them.

    Attributes:
        packages: folder with one folder per sha.
        serving: loads them, and keeps them for the release that is about to come.
    """

    packages: Path
    serving: ServingEngine

    def choose(self, version: str, taxonomy: Taxonomy) -> ModelFacts:
        """The model packaged as ``version``: whole, loaded, and with no category that is not active.

        Raises:
            UnknownVersion: no model is packaged under this version.
            OtherTaxonomy: it may answer with a code that is not active.
            PackageRefused: its files are damaged, or it does not repeat its golden answers.
        """
        try:
            facts = read_model(self.packages, version)
            claim(self.packages, version)  # or retention might take it before the ledger names it
        except MissingPackage as error:
            raise UnknownVersion from error
        except CorruptPackage as error:
            raise refused(version, error) from error
        lacking = len(set(facts.codes) - set(taxonomy.codes))
        if lacking:
            raise OtherTaxonomy(f"Taxonomy {taxonomy.version} lacks {lacking} of the categories that it answers in.")
        self.check([version])
        return facts

    def check_swiftly(self, versions: Sequence[str]) -> None:
        """Check packages to go back to, within moments: as ``check`` does, but for the encoders that answer now.

        They are hundreds of megabytes, and going back leaves them as they are. What is in memory is not loaded again.
        """
        serving = self.serving.release().models.values() if self.serving.epoch is not None else ()
        self.check(versions, in_use={sha for model in serving for sha in model.spec.get("encoders", {}).values()})

    def check(self, versions: Sequence[str], *, in_use: Collection[str] = ()) -> None:
        """Hash every file of these packages and of their encoders, and load them, which asks for golden answers.

        The encoders ``in_use`` are not hashed.

        Raises:
            PackageRefused: the first that cannot be served.
        """
        for count, version in enumerate(versions, start=1):
            try:
                verify_model(self.packages, version, in_use=in_use)
                self.serving.prepare(versions[:count])
            except Exception as error:  # whatever a broken package provokes
                raise refused(version, error) from error


def refused(version: str, error: Exception) -> PackageRefused:
    """What a package that cannot be read, checked or loaded is answered with; the whole reason is in the log."""
    code = error.code if isinstance(error, EtalonError) else f"package.{type(error).__name__}"
    _log.warning("release.package_refused", exc_info=error, extra={"package": version, "code": code})
    return PackageRefused(version, code)


def promote(session: Session, facts: ModelFacts, order: PromotionOrder, *, actor_id: str) -> Promotion:
    """Serve a checked package under its name from the next epoch on; what else is served stays.

    Raises:
        EpochMoved: the order was made upon another epoch than the newest.
        AlreadyServed: it is what answers under its name.
        NotLetThrough: the gate did not let it through, and the order does not override that.
        NoChampion: it is a companion, and nothing is served.
    """
    now = promotions.current(session)
    epoch = now.epoch if now else NO_EPOCH
    if epoch != order.expected_epoch:
        raise EpochMoved(order.expected_epoch, epoch)
    serving = dict(now.models) if now else {}
    champion = serving.get(facts.name)
    if champion == facts.version:
        raise AlreadyServed(f"Package {facts.version[:12]} is served as {facts.name}.")
    judged = judgements.newest_of(session, [facts.version]).get(facts.version)
    finding = GateFinding(Outcome(judged.said.decision), judged.said.champion) if judged else None
    kind = kind_of_promotion(model=facts.name, finding=finding, champion=champion, override=order.override)
    return promotions.promote(
        session,
        expected_epoch=order.expected_epoch,
        models={**serving, facts.name: facts.version},
        actor=actor_id,
        reason=order.reason,
        kind=kind.value,
        **(_of_champion(now) if kind is PromotionKind.COMPANION else _of_package(facts, judged)),
    )


def _of_package(facts: ModelFacts, judged: Judged | None) -> dict[str, Any]:
    """What the ledger says of a package that becomes the champion."""
    return {
        "gate_report": judged.said.gate if judged else None,
        "run_id": judged.said.run_id if judged else None,
        "manifest": facts.manifest,
        "taxonomy_version": facts.taxonomy_version,
    }


def _of_champion(now: Promotion | None) -> dict[str, Any]:
    """A companion's epoch goes on describing the champion.

    Raises:
        NoChampion: there is none.
    """
    if now is None:
        raise NoChampion(f"Nothing is served yet: promote a {GATED} first.")
    return {
        "gate_report": now.gate_report,
        "run_id": now.run_id,
        "manifest": now.manifest,
        "taxonomy_version": now.taxonomy_version,
    }
