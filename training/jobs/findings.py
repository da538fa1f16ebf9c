"""What a judgement found, in the three forms it is told in: a verb's result, a training's run, a judgement's notes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.domain.gate import Evidence, GateDecision, GatePolicy
from training import plots, suspects
from training.gate import report
from training.jobs.exam import Exam, Latency, Sitting
from training.jobs.judgement_page import JudgementPage, Surroundings
from training.jobs.workplace import MODEL
from training.suspects import Suspect
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
        latency: how long both take for one answer.
    """

    exam: Exam
    training: Mapping[str, Any]
    challenger: Sitting | None
    champion: Sitting | None
    policy: GatePolicy
    evidence: Evidence
    decision: GateDecision
    latency: Latency

    def result(self) -> dict[str, Any]:
        """What the verb returns and the run keeps, but for ids and seconds."""
        compared = self.evidence.comparison
        overall = compared.overall if compared else None
        manifest = self.exam.snapshot.manifest
        return {
            "model": self.model,
            "decision": self.decision.outcome.value,
            "reasons": list(self.decision.reasons),
            **self._weighted_f1(),
            "interval": self.challenger.scores.weighted_f1_interval if self.challenger else None,
            "scores": self.challenger.scores.metrics() if self.challenger else None,
            "champion_scores": self.champion.scores.metrics() if self.champion else None,
            "learnt_rows": sum(self.training["rows"].values()),
            "difference": [overall.low, overall.observed, overall.high] if overall else None,
            "rows": len(self.exam.rows.truth),
            "manifest": manifest.number,
            "taxonomy_version": self.challenger.model.taxonomy_version
            if self.challenger
            else manifest.taxonomy_version,
            "gate": self._gate(),
        }

    def training_record(self, package: Path, event_logs: Path) -> TrainingRecord:
        """What the tracking server keeps of the training itself, whatever it is compared with.

        ``event_logs`` is the run's folder of curves for TensorBoard, if it is there.
        """
        training = self.training
        seconds = {f"seconds.{stage}": one for stage, one in training["stages"].items()}
        seconds |= {f"seconds.{expert}": one for expert, one in training["expert_seconds"].items()}
        halves = training["out_of_fold"].items()
        unseen = {
            f"out_of_fold.{half.replace('+', '-and-')}.{name}": f1 for half, by in halves for name, f1 in by.items()
        }
        rows = {f"rows.{split}": count for split, count in training["rows"].items()}
        facts = ("manifest", "manifest_sha256", "taxonomy_version", "code_version")
        doubted = suspects_of(training)
        return TrainingRecord(
            train_key=training["train_key"],
            model=self.model,
            package=package,
            params=dict(_flat(training["config"])),
            metrics={**seconds, **unseen, **rows, "suspects": len(doubted)},
            curves=training["curves"],
            tags={fact: str(training[fact]) for fact in facts}
            | {f"encoder.{kind}": sha for kind, sha in training["encoders"].items()}
            | self._weights(),
            reports={
                "model_card.md": (package / "model_card.md").read_text(encoding="utf-8"),
                "suspects.csv": suspects.to_csv(doubted),
            },
            plots={"curves.png": plots.training_curves(training["curves"])} if training["curves"] else {},
            files={
                f"tensorboard/{path.relative_to(event_logs).as_posix()}": path
                for path in sorted(event_logs.rglob("events.*"))
            },
        )

    def judgement_record(self, challenger: Sitting, around: Surroundings, *, run_key: str) -> JudgementRecord:
        """What the tracking server keeps of this comparison."""
        manifest = self.exam.snapshot.manifest.number
        tags = {"gate.outcome": self.decision.outcome.value, "run_key": run_key, "judged_on_manifest": str(manifest)}
        tags |= {"trained_on_manifest": str(self.training["manifest"])} | self._weights()
        if self.champion:
            tags["champion"] = self.champion.model.sha
        page = JudgementPage(self, challenger, around)
        return JudgementRecord(
            model=challenger.model.name,
            package=challenger.model.sha,
            tags=tags,
            metrics=dict(self._metrics(challenger)),
            reports={
                "report.html": page.html(),
                "gate.json": _json(self._gate()),
                "classes.json": _json(self._classes()),
            },
            plots=page.figures,
            description=page.description(),
        )

    @property
    def model(self) -> str:
        """The registered name of what was judged."""
        return self.training.get("model", MODEL)  # trainings recorded before there was another name have none

    def _weights(self) -> dict[str, str]:
        """Which weights the encoders were loaded with, as tags."""
        weights = self.challenger.model.spec.get("weights", {}) if self.challenger else {}
        return {f"weights.{kind}": str(said) for kind, said in weights.items()}

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


def suspects_of(training: Mapping[str, Any]) -> list[Suspect]:
    """The accepted labels that a training found to look wrong, worst first."""
    return [Suspect.from_dict(one) for one in training.get("suspects", ())]


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
