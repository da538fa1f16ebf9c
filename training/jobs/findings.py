"""What a judgement found, in the three forms it is told in: a verb's result, a training's run, a judgement's notes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from core.domain.gate import Evidence, GateDecision, GatePolicy
from training import plots
from training.gate import report
from training.jobs.exam import Exam, Sitting
from training.jobs.workplace import MODEL
from training.tracking import JudgementRecord, TrainingRecord


@dataclass(frozen=True, slots=True)
class Findings:
    """A judgement.

    Attributes:
        exam: the rows.
        training: what ``fit`` recorded of the challenger.
        challenger: its answers; None where it forgot its golden ones.
        champion: its answers; None where there is no champion.
        policy: the gate's.
        evidence: what the decision rests on.
        decision: the gate's.
    """

    exam: Exam
    training: Mapping[str, Any]
    challenger: Sitting | None
    champion: Sitting | None
    policy: GatePolicy
    evidence: Evidence
    decision: GateDecision

    def result(self) -> dict[str, Any]:
        """What the verb returns and the run keeps, but for ids and seconds."""
        compared = self.evidence.comparison
        overall = compared.overall if compared else None
        manifest = self.exam.snapshot.manifest
        return {
            "decision": self.decision.outcome.value,
            "reasons": list(self.decision.reasons),
            **self._weighted_f1(),
            "difference": [overall.low, overall.observed, overall.high] if overall else None,
            "rows": len(self.exam.rows.truth),
            "manifest": manifest.number,
            "taxonomy_version": self.challenger.model.taxonomy_version
            if self.challenger
            else manifest.taxonomy_version,
            "gate": self._gate(),
        }

    def training_record(self, package: Path) -> TrainingRecord:
        """What the tracking server keeps of the training itself, whatever it is compared with."""
        training = self.training
        seconds = {f"seconds.{stage}": one for stage, one in training["stages"].items()}
        seconds |= {f"seconds.{expert}": one for expert, one in training["expert_seconds"].items()}
        halves = training["out_of_fold"].items()
        unseen = {
            f"out_of_fold.{half.replace('+', '-and-')}.{name}": f1 for half, by in halves for name, f1 in by.items()
        }
        rows = {f"rows.{split}": count for split, count in training["rows"].items()}
        facts = ("manifest", "manifest_sha256", "taxonomy_version", "code_version")
        return TrainingRecord(
            train_key=training["train_key"],
            model=MODEL,
            package=package,
            params=dict(_flat(training["config"])),
            metrics={**seconds, **unseen, **rows},
            curves=training["curves"],
            tags={fact: str(training[fact]) for fact in facts}
            | {f"encoder.{kind}": sha for kind, sha in training["encoders"].items()},
            reports={"model_card.md": (package / "model_card.md").read_text(encoding="utf-8")},
            plots={"curves.png": plots.training_curves(training["curves"])} if training["curves"] else {},
        )

    def judgement_record(self, challenger: Sitting, *, run_key: str) -> JudgementRecord:
        """What the tracking server keeps of this comparison."""
        manifest = self.exam.snapshot.manifest.number
        tags = {"gate.outcome": self.decision.outcome.value, "run_key": run_key, "judged_on_manifest": str(manifest)}
        if self.champion:
            tags["champion"] = self.champion.model.sha
        return JudgementRecord(
            tags=tags,
            metrics=dict(self._metrics(challenger)),
            reports={"gate.json": _json(self._gate()), "classes.json": _json(self._classes())},
            plots=self._plots(challenger),
        )

    def _weighted_f1(self) -> dict[str, float | None]:
        sittings = {"weighted_f1": self.challenger, "champion_weighted_f1": self.champion}
        return {name: sitting.scores.weighted_f1 if sitting else None for name, sitting in sittings.items()}

    def _gate(self) -> dict[str, Any]:
        return {**self._weighted_f1(), **report(self.evidence, self.policy, self.decision)}

    def _metrics(self, challenger: Sitting) -> Iterator[tuple[str, float]]:
        yield from challenger.scores.metrics().items()
        yield "rows.judged", len(self.exam.rows.truth)
        compared = self.evidence.comparison
        if self.champion and compared:
            yield from ((f"champion_{name}", score) for name, score in self.champion.scores.metrics().items())
            yield from ((f"difference.{name}", value) for name, value in asdict(compared.overall).items())
            yield "calibration_increase", compared.calibration_increase
            yield "relative_latency", compared.relative_latency

    def _classes(self) -> dict[str, Any]:
        sittings = {"challenger": self.challenger, "champion": self.champion}
        return {name: sitting.scores.to_dict()["classes"] for name, sitting in sittings.items() if sitting}

    def _plots(self, challenger: Sitting) -> dict[str, Figure]:
        truth, answers = self.exam.rows.truth, challenger.answers
        scores = {code: one.f1 for code, one in challenger.scores.classes.items() if one.support}
        old = self.champion.scores.classes if self.champion else None
        beside = [old[code].f1 if code in old else 0.0 for code in scores] if old else None
        return {
            "confusion.png": plots.confusion(truth, answers.codes, np.union1d(truth, answers.codes).tolist()),
            "reliability.png": plots.reliability(answers.confidences, answers.codes == truth),
            "classes.png": plots.class_scores(list(scores), list(scores.values()), beside),
        }


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
