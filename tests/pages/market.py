"""A shop in the middle of a working month: what people see who use it, for pictures and for looking around."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import delete, select, update

from core.db.models import Prediction, QualityReading, UserAccount, Verdict
from core.db.repositories import evaluations, judgements, promotions, store_checks
from core.db.repositories.judgements import Judgement
from core.domain.evaluation import Change, ChangedProduct, Evaluation, Figures, Part
from core.domain.taxonomy import Taxonomy
from core.store.manifests import append_segment
from core.store.rows import TrainingRow
from core.store.segments import BASE_SEGMENT, write_segment
from inference.appearance import Appearance
from preprocessing.images import ImageFolder, sanitise, to_tensor
from tests.api.people import Caller
from tests.api.service import Etalon
from tests.conftest import ROOT
from tests.integration.api.packaged import TAXONOMY_VERSION, write_tiny_model
from tests.pages import stock
from tests.pages.assortment import TAXONOMY
from tests.pages.stock import Good
from tests.toys.days import Shop, fill, read_quality
from tests.toys.evaluations import gate_report
from tests.toys.labelled import embed

TEMPERATURE = 0.05
_HELD_OUT = 12
_PATIENCE_S = 300.0  # the thread that reads the store lets everything else of the machine go first
_STAFF = {
    "camille.dubois": "admin",
    "noor": "reviewer",
    "li-wei": "reviewer",
    "atelier-bleu": "customer",
    "bouquinerie-du-port": "customer",
    "jeux.et.cie": "customer",
    "service-check": "customer",
}


@dataclass(frozen=True, slots=True)
class Market:
    """Fills a running shop.

    Attributes:
        shop: where.
        rng: everything that is drawn comes from it.
    """

    shop: Etalon
    rng: np.random.Generator

    def hire(self) -> dict[str, Caller]:
        """People with names, one of each role by that role, and some more."""
        people = {}
        for name, role in _STAFF.items():
            hired = self.shop.hire(role)
            with self.shop.sessions.begin() as session:
                session.execute(update(UserAccount).where(UserAccount.id == hired.id).values(username=name))
            people.setdefault(role, replace(hired, username=name))
        return people

    def stock(self, goods: Sequence[Good]) -> None:
        """Put labelled products into the training store, with guidelines and the features that evidence looks at."""
        guidelines = ROOT / "data" / "guidelines.csv"
        (self.shop.store.root / guidelines.name).write_bytes(guidelines.read_bytes())
        rows, tensors = zip(*map(self._labelled, range(len(goods)), goods), strict=True)
        written = write_segment(self.shop.store.training, BASE_SEGMENT, rows, tensors)
        append_segment(self.shop.store.training, written, taxonomy_version=TAXONOMY_VERSION)
        embed(self.shop.store, {"appearance": Appearance()}, only=["appearance"])

    def _labelled(self, place: int, good: Good) -> tuple[TrainingRow, Any]:
        clean = sanitise(good.photo, max_bytes=10**7, max_pixels=10**8)
        ImageFolder(self.shop.store.images).put(clean)
        split = "holdout" if place < _HELD_OUT else "train"
        row = TrainingRow(
            f"p{place}", "", good.designation, good.description, good.code, clean.sha256, "base", split, f"c{place}",
            "", "", "",
        )  # fmt: skip
        return row, to_tensor(clean.data)

    def wait_for_evidence(self, prediction_id: str, reader: Caller) -> None:
        """Return when the service has read the store and finds what is like a product."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            answer = self.shop.http.get(f"/predictions/{prediction_id}/evidence", headers=reader.headers)
            if answer.status_code == 200 and answer.json()["searched"]:
                return
            time.sleep(0.1)
        raise AssertionError(answer.text)

    def send(self, seller: Caller, good: Good) -> str:
        """Have a product classified; its id."""
        files: dict[str, Any] = {"designation": (None, good.designation.encode()), "image": ("photo.jpg", good.photo)}
        if good.description:
            files["description"] = (None, good.description.encode())
        answer = self.shop.http.post("/predict", files=files, headers=seller.headers)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    # --- a challenger -------------------------------------------------------------------------------------------

    def judge(self, goods: Sequence[Good]) -> str:
        """A challenger that is better, but not surely: its version."""
        clean = sanitise(self.shop.photo, max_bytes=10**6, max_pixels=10**6)
        words = stock.learnt_words()
        version = write_tiny_model(self.shop.store.packages, clean.data, temperature=0.04, known=words)
        with self.shop.sessions.begin() as session:
            now = promotions.current(session)
            assert now is not None
            report = gate_report("grey", codes=tuple(words))
            difference = {"observed": 0.013, "low": -0.009, "high": 0.034}
            for compared in ("overall", "frozen"):
                report["evidence"]["comparison"][compared] |= difference
            said = Judgement(1, "grey", now.epoch, self.shop.model, None, 0.823, 0.811, report)
            judgements.record(session, package=version, judgement=said, gated=True)
            evaluations.record(session, package=version, evaluation=self._evaluation(version, goods))
        return version

    def _evaluation(self, version: str, goods: Sequence[Good]) -> Evaluation:
        codes = sorted(stock.learnt_words())
        support = self.rng.integers(12, 60, len(codes)).tolist()
        champion = self._figures(self.shop.model, support, 0.81, 0.031)
        challenger = self._figures(version, support, 0.823, 0.034)
        changes = {Change.MENDED: 41, Change.BROKEN: 24, Change.STILL_WRONG: 9}
        parts = [
            Part("text-only", 214, 0.79, 0.78),
            Part("language-fr", 611, 0.83, 0.815),
            Part("language-en", 402, 0.8, 0.79),
        ]
        examples = [self._changed(row, goods[row], codes) for row in range(_HELD_OUT)]
        return Evaluation(1, sum(support), codes, support, challenger, champion, parts, changes, examples)

    def _figures(self, package: str, support: Sequence[int], score: float, latency_s: float) -> Figures:
        shares = np.clip(self.rng.normal(score, 0.08, len(support)), 0.5, 0.97)
        table = [self._answers(place, count, shares[place]) for place, count in enumerate(support)]
        scores = {"weighted_f1": score, "weighted_f1.low": score - 0.021, "weighted_f1.high": score + 0.021}
        scores |= {"macro_f1": score - 0.014, "accuracy": score + 0.004, "calibration_error": 0.031 - score / 100}
        f1 = [round(float(one), 3) for one in shares]
        ends = ([round(max(0.0, one + by), 3) for one in f1] for by in (-0.07, 0.03))
        return Figures(package, scores, f1, *ends, table, latency_s)

    def _answers(self, place: int, count: int, share: float) -> list[int]:
        """How ``count`` products of one class are answered: mostly rightly, else as a class nearby."""
        near = np.exp(-np.abs(np.arange(27) - place) / 3.0)
        near[place] = 0.0
        return self.rng.multinomial(count, near / near.sum() * (1 - share) + share * (np.arange(27) == place)).tolist()

    def _changed(self, row: int, good: Good, codes: Sequence[int]) -> ChangedProduct:
        change = Change.BROKEN if row % 3 == 2 else Change.MENDED
        other = codes[(codes.index(good.code) + 1) % len(codes)]
        said = (other, 0.56, good.code, 0.81) if change is Change.MENDED else (good.code, 0.62, other, 0.51)
        return ChangedProduct(BASE_SEGMENT, row, f"p{row}", change, good.code, *said)

    # --- a month ------------------------------------------------------------------------------------------------

    def live(self, seller: Caller, reviewer: Caller) -> None:
        """Thirty days of products and verdicts, some busier than others, and a watch over them."""
        codes = [category.code for category in Taxonomy.parse(TAXONOMY)]
        with self.shop.sessions.begin() as session:
            now = fill(session, Shop(seller.id, reviewer.id, days=30, per_day=30, renewed=12))
            lived = session.scalars(select(Prediction).where(Prediction.designation.like("Produit %"))).all()
            dropped = self._quiet([row.id for row in lived], [str(row.created_at.date()) for row in lived])
            session.execute(delete(Verdict).where(Verdict.prediction_id.in_(dropped)))
            session.execute(delete(Prediction).where(Prediction.id.in_(dropped)))
            verdicts = {one.prediction_id: one for one in session.scalars(select(Verdict))}
            for row in lived:
                if row.id not in dropped:
                    self._spread(row, verdicts.get(row.id), int(self.rng.choice(codes)))
            read_quality(session, now, days=30, accuracy=0.82)
            for reading in session.scalars(select(QualityReading)):
                reading.value *= float(self.rng.normal(1, 0.04 if reading.kind == "accuracy" else 0.25))
            store_checks.record(session, complete=True, manifest=1, broken=[])

    def _spread(self, row: Prediction, verdict: Verdict | None, code: int) -> None:
        """Let a product be of any category, and a verdict agree with the suggestion where it did."""
        if verdict is not None and verdict.prdtypecode == row.suggested_code:
            verdict.prdtypecode = code
        row.confidence = round(float(self.rng.beta(6, 2)), 4)
        row.suggested_code = row.current_code = code

    def _quiet(self, ids: Sequence[str], days: Sequence[str]) -> set[str]:
        """The products of which a day had fewer than the busiest one."""
        shares = {day: float(self.rng.uniform(0.35, 1.0)) for day in sorted(set(days))}
        return {one for one, day in zip(ids, days, strict=True) if self.rng.random() > shares[day]}
