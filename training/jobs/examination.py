"""Lets a challenger and the model that is served sit the same exam, and asks the gate."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.db.models import Promotion
from core.domain.evidence import Comparison, Evidence, LabelDoubt
from core.domain.gate import GatePolicy, accompany, decide
from core.domain.splits import LEARNT, unit_interval
from core.store import manifests
from core.store.snapshot import Snapshot
from inference.family import open_encoder
from inference.model import GoldenMismatch, ServedModel
from training.draws import Answers, Rows
from training.features import FeatureSet
from training.gate import Disturbed, compare, doubt_labels, load_policy
from training.jobs.exam import Exam, Latency, Sitting, sit, time_answers
from training.jobs.findings import Findings
from training.jobs.looks import count_look
from training.jobs.workplace import MODEL, Stopwatch, Workplace
from training.robustness import HALVES, disturb, sample, some_rows, without_a_half

log = logging.getLogger(__name__)

_MOST_NEW_ROWS = 4000  # new labels looked at, drawn by hash: more would not change the answer


def examine(
    workplace: Workplace,
    training: Mapping[str, Any],
    package: str,
    manifest: int | None,
    release: Promotion | None,
    watch: Stopwatch,
) -> Findings:
    """Compare ``package`` with what ``release`` serves under its name, and decide.

    The gated model has to pass the gate; a companion only has to repeat its golden answers.
    """
    policy = load_policy(workplace.gate.policy)
    model = training.get("model", MODEL)
    with watch.stage("open"):
        exam = Exam.of(workplace.snapshot(training["manifest"] if manifest is None else manifest))
        served = release.models.get(model) if release else None
        old = _sit(workplace, exam, served) if served else None
        try:
            new = old if served == package else _sit(workplace, exam, package)
        except GoldenMismatch as error:
            log.warning("judge.golden_answers_differ", extra={"package": package, "reason": str(error)})
            new = None
    comparison, latency = None, Latency()
    if new is not None and old is not None:
        with watch.stage("latency"):
            products = [] if new is old else exam.products(workplace.store.images)
            latency = time_answers(new.model, old.model, products)
        comparison = _Comparing(workplace, exam, old, new, policy, watch).compare(
            training, release, latency.relative, gated=model == MODEL
        )
    evidence = Evidence(golden_answers_hold=new is not None, comparison=comparison)
    decision = decide(evidence, policy) if model == MODEL else accompany(evidence)
    return Findings(exam, training, new, old, policy, evidence, decision, latency)


def _sit(workplace: Workplace, exam: Exam, sha: str) -> Sitting:
    model = ServedModel.load(workplace.store.packages, sha, encoders=workplace.pool)
    return sit(model, exam, workplace.features(exam.snapshot, model.spec["encoders"], rows=exam.places))


class _Comparing:
    """A challenger beside the model that is served, on one exam."""

    def __init__(
        self, workplace: Workplace, exam: Exam, old: Sitting, new: Sitting, policy: GatePolicy, watch: Stopwatch
    ) -> None:
        self._workplace, self._exam, self._policy, self._watch = workplace, exam, policy, watch
        self._old, self._new = old, new

    def compare(
        self, training: Mapping[str, Any], release: Promotion | None, relative_latency: float, *, gated: bool
    ) -> Comparison:
        """Measure all that the gate asks; of a companion, only how it answers as the rows are, and how fast."""
        exam, old, new = self._exam, self._old, self._new
        asked = gated and new is not old
        with self._watch.stage("robustness"):
            disturbed = list(self._disturbed()) if asked else []
        with self._watch.stage("labels"):
            doubt = self._doubt(training, release) if asked else None
            runs = self._workplace.store.runs
            pair = {"champion": old.model.sha, "challenger": new.model.sha}
            looks = count_look(runs, exam.snapshot, **pair) if asked else None
        with self._watch.stage("bootstrap"):
            return compare(
                exam.rows,
                champion=old.answers,
                challenger=new.answers,
                policy=self._policy,
                relative_latency=relative_latency,
                disturbed=disturbed,
                new_labels=doubt,
                looks=looks,
                same_package=new is old,
                new_architecture=_shape(new.model) != _shape(old.model),
            )

    def _disturbed(self) -> Iterator[Disturbed]:
        """Both models' answers to the disturbed rows, where there are enough of them to mean anything."""
        rows = [self._exam.snapshot.rows[place] for place in self._exam.places]
        picked = sample(rows)
        chosen = [rows[place] for place in picked]
        store = self._workplace.store
        said: list[dict[str, Answers]] = []
        everything = []
        for one in (self._old, self._new):
            features = self._features(one.model)
            encoders = {
                feature: open_encoder(feature, sha, self._workplace.pool)
                for feature, sha in one.model.spec["encoders"].items()
            }
            spoilt = disturb(
                chosen, some_rows(features, picked), encoders=encoders, images=store.images, cache_root=store.features
            )
            said.append({name: _answer(one.model, each) for name, each in spoilt.items()})
            halves = {half: _answer(one.model, without_a_half(features, half)) for half in HALVES}
            said[-1] |= halves
            everything.append(features)
        both = np.flatnonzero(everything[0].has_text & everything[0].has_image)
        for name, champion in said[0].items():
            places = both if name in HALVES else picked
            if len(places) < self._policy.class_support:
                continue
            pairs = (
                (one.answers.take(places), each.take(places) if name in HALVES else each)
                for one, each in ((self._old, champion), (self._new, said[1][name]))
            )
            yield Disturbed(name, self._exam.rows.take(places), *pairs)

    def _features(self, model: ServedModel) -> FeatureSet:
        return self._workplace.features(self._exam.snapshot, model.spec["encoders"], rows=self._exam.places)

    def _doubt(self, training: Mapping[str, Any], release: Promotion | None) -> LabelDoubt | None:
        """What the champion makes of the labels that came since it learnt."""
        if release is None or release.manifest is None:
            return None
        champion = self._old.model
        snapshot = self._exam.snapshot
        if training["manifest"] != snapshot.manifest.number:
            snapshot = self._workplace.snapshot(training["manifest"])
        known = {champion.codes[column] for column in champion.spec["present"]}
        places = _new_rows(self._workplace, snapshot, release.manifest, known)
        if not len(places):
            return None
        new = [snapshot.rows[place] for place in places]
        features = self._workplace.features(snapshot, champion.spec["encoders"], rows=places)
        rows = Rows(
            np.array([row.prdtypecode for row in new], dtype=np.int64),
            [row.cluster for row in new],
            np.zeros(len(new), dtype=bool),
        )
        kept = np.flatnonzero(self._exam.rows.frozen)
        return doubt_labels(self._exam.rows.take(kept), self._old.answers.take(kept), rows, _answer(champion, features))


def _new_rows(workplace: Workplace, snapshot: Snapshot, learnt: int, known: set[int]) -> NDArray[np.intp]:
    """Positions of learnt rows that are not in manifest ``learnt``, of ``known`` classes, ascending."""
    before = {segment.name for segment in manifests.read(workplace.store.training, learnt).segments}
    new = [
        place
        for place, (segment, _) in enumerate(snapshot.addresses)
        if segment not in before and snapshot.rows[place].split in LEARNT and snapshot.rows[place].prdtypecode in known
    ]
    new.sort(key=lambda place: unit_interval("new label", snapshot.rows[place].product_id))
    return np.array(sorted(new[:_MOST_NEW_ROWS]), dtype=np.intp)


def _answer(model: ServedModel, features: FeatureSet) -> Answers:
    probabilities = model.probabilities_from_features(
        features.arrays, features.texts, features.has_image, features.has_text
    )
    return Answers.of(probabilities, model.codes)


def _shape(model: ServedModel) -> tuple[Any, ...]:
    """What makes a model a new one rather than a retrained one."""
    return model.spec["architecture"], dict(model.spec["encoders"])
