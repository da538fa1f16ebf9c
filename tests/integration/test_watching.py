"""The watch on real databases: what it reads, when it tells, and what it asks for."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from core.db.models import Prediction, QualityReading, RetrainRequest, UserAccount, Verdict
from core.db.repositories import promotions, quality
from core.db.repositories.users import CANARIES
from core.db.session import make_readers, make_sessions
from core.domain.watch import Watched
from core.settings import LoopSettings
from preprocessing.images import ImageFolder, sanitise
from training.jobs.watching import watch

OLD, NEW = "1" * 64, "2" * 64
BEFORE, BETWEEN = datetime(2024, 1, 1), datetime(2024, 6, 20)  # noqa: DTZ001 - all ids, and ids from 0xF000 on
LOOP = LoopSettings(watch_verdicts=60, watch_inputs=50)
WORDS = {"fr": "lampe de bureau en métal rouge avec abat-jour", "de": "Größe schöne Schreibtischlampe für Außen weiß"}


@dataclass
class Desk:
    """A shop's database and photos; products come and are judged a millisecond apart."""

    engine: Engine
    images: ImageFolder
    came: int = 0

    def serve(self, version: str, at: datetime) -> None:
        with make_sessions(self.engine).begin() as session:
            now = promotions.current(session)
            moved = promotions.promote(
                session,
                expected_epoch=now.epoch if now else 0,
                models={"fusion": version},
                actor="job",
                reason="better",
                kind="gate",
                gate_report=None,
                run_id=None,
                manifest=None,
                taxonomy_version="toy",
            )
            moved.created_at = at

    def receive(
        self, right: Sequence[bool | None], *, version: str = OLD, confidence: float = 0.8, **columns: Any
    ) -> None:
        """One product for each of ``right``: whether its reviewer accepts the model's code, None: nobody looked."""
        with make_sessions(self.engine).begin() as session:
            for one in right:
                self.came += 1
                session.add(self._product(one, version, confidence, columns))
                session.flush()
                if one is not None:
                    session.add(
                        Verdict(
                            prediction_id=self.last,
                            prediction_version=2,
                            action="validate",
                            prdtypecode=10 if one else 40,
                            reviewer_id="u",
                        )
                    )

    def _product(self, right: bool | None, version: str, confidence: float, columns: dict[str, Any]) -> Prediction:
        given = {
            "owner_id": "u",
            "designation": f"{WORDS['fr']} {self.came}",
            "modality": "text-only",
            "model_name": "fusion",
            "suggested_code": 10,
            "current_code": 40 if right is False else 10,
            "status": "pending" if right is None else "validated",
        }
        return Prediction(
            id=self.last,
            confidence=confidence,
            answer={},
            model_version=version,
            epoch=1,
            taxonomy_version="toy",
            **given | columns,
        )

    @property
    def last(self) -> str:
        return f"0190{self.came:04x}-0000-7000-8000-000000000000"

    def photo(self, seed: int, brightness: int) -> str:
        pixels = np.random.default_rng(seed).integers(0, brightness, (4, 4, 3), np.uint8)
        out = io.BytesIO()
        Image.fromarray(pixels).resize((32, 32)).save(out, "PNG")
        stored = sanitise(out.getvalue(), max_bytes=10**6, max_pixels=10**6)
        self.images.put(stored)
        return stored.sha256

    def watch(self, run_key: str) -> dict[str, Any]:
        return watch(
            make_sessions(self.engine), make_readers(self.engine), self.images, LOOP, model="fusion", run_key=run_key
        )

    def wishes(self) -> list[str]:
        with make_sessions(self.engine)() as session:
            return [row.reason for row in session.query(RetrainRequest)]

    def age_of_telling(self, days: int) -> None:
        with make_sessions(self.engine).begin() as session:
            for row in quality.episodes(session):
                row.told_at -= timedelta(days=days)


@pytest.fixture
def desk(engine: Engine, tmp_path: Any) -> Desk:
    with make_sessions(engine).begin() as session:
        for name in ("u", *CANARIES):
            session.add(UserAccount(id=name, username=name, password_hash="-", role="customer"))
    desk = Desk(engine, ImageFolder(tmp_path / "images"))
    desk.serve(OLD, BEFORE)
    return desk


def test_without_verdicts_there_is_nothing_to_say(desk: Desk) -> None:
    assert desk.watch("monday") == {"read": None, "told": [], "retrain": False, "subject": "", "text": ""}


def test_a_planted_drop_is_told_by_the_next_look_and_asks_for_a_retraining(desk: Desk) -> None:
    desk.receive([True] * 54 + [False] * 6, confidence=0.9)
    first = desk.watch("monday")
    assert (first["read"]["accuracy"]["finding"], first["told"]) == ("well", [])
    desk.receive([True] * 10 + [False] * 20, confidence=0.9)
    second = desk.watch("tuesday")
    assert (second["told"], second["retrain"]) == (["accuracy"], True)
    assert "surely below 70%" in second["text"]
    assert len(desk.wishes()) == 1
    assert "surely below 70%" in desk.wishes()[0]


def test_one_fact_is_told_once_again_after_a_day_and_anew_after_a_recovery(desk: Desk) -> None:
    desk.receive([False] * 30 + [True] * 10)
    assert desk.watch("one")["told"] == ["accuracy"]
    assert desk.watch("one")["told"] == ["accuracy"]  # the same run, tried again
    assert desk.watch("two")["read"] is None
    desk.age_of_telling(1)
    assert desk.watch("three")["told"] == ["accuracy"]
    desk.receive([True] * 60)
    assert (desk.watch("four")["read"]["accuracy"]["finding"], desk.watch("five")["told"]) == ("well", [])
    desk.receive([False] * 50)
    assert "accuracy" in desk.watch("six")["told"]
    assert len(desk.wishes()) == 1  # nobody has taken the first


def test_verdicts_on_the_served_model_count_as_soon_as_there_are_enough(desk: Desk) -> None:
    desk.receive([False] * 60, confidence=0.5)
    desk.serve(NEW, BEFORE)
    desk.receive([True] * 20, version=NEW)
    assert desk.watch("one")["read"]["accuracy"]["finding"] == "alarm"
    desk.receive([True] * 20, version=NEW)
    assert desk.watch("two")["read"]["accuracy"]["value"] == 1.0
    with make_sessions(desk.engine)() as session:
        newest = quality.newest(session)[Watched.ACCURACY]
        assert (newest.model_version, newest.rows) == (NEW, 40)
        assert set(newest.detail["versions"]) == {OLD, NEW}


def test_what_nobody_judged_may_be_right_and_keeps_the_alarm_silent(desk: Desk) -> None:
    for _ in range(10):  # the least certain come first in the queue
        desk.receive([False, False, False, True, True], confidence=0.35)
        desk.receive([None] * 30, confidence=0.95)
    accuracy = desk.watch("one")["read"]["accuracy"]
    assert (accuracy["finding"], accuracy["value"]) == ("unsure", 0.4)
    assert accuracy["low"] < 0.1
    assert accuracy["high"] > 0.9


@pytest.mark.parametrize(
    "columns",
    [*({"owner_id": name} for name in CANARIES), {"model_name": "bert"}, {"status": "rejected"}, {"status": "pending"}],
    ids=[*CANARIES, "another model", "rejected", "undone"],
)
def test_what_says_nothing_about_the_models_categories_does_not_count(desk: Desk, columns: dict[str, str]) -> None:
    desk.receive([False] * 60, **columns)
    assert "accuracy" not in (desk.watch("one")["read"] or {})


def test_a_later_correction_counts_and_the_override_rate_keeps_what_the_reviewer_said(desk: Desk) -> None:
    desk.receive([True] * 40)
    desk.receive([True] * 20, current_code=40)
    desk.watch("one")
    with make_sessions(desk.engine)() as session:
        newest = quality.newest(session)[Watched.ACCURACY]
        assert (newest.value, newest.detail["overridden"][0]) == (pytest.approx(2 / 3), 0.0)


def test_calibration_is_read_once_a_window_and_a_model_that_promises_too_much_is_told(desk: Desk) -> None:
    desk.receive([True, True, True, False] * 15, confidence=0.98)
    first = desk.watch("one")
    assert first["told"] == ["calibration"]
    assert "promises too much" in first["text"]
    desk.receive([True] * 59, confidence=0.98)
    assert "calibration" not in desk.watch("two")["read"]
    desk.receive([True], confidence=0.98)
    assert desk.watch("three")["read"]["calibration"]["finding"] == "well"


def test_texts_in_another_language_are_told_once_their_window_is_full(desk: Desk) -> None:
    desk.receive([None] * 100)
    assert desk.watch("one")["read"]["text"]["finding"] == "well"
    desk.receive([None] * 49, designation=WORDS["de"])
    assert desk.watch("two")["read"] is None
    desk.receive([None], designation=WORDS["de"])
    told = desk.watch("three")
    assert (told["told"], told["subject"], told["retrain"]) == (["text"], "texts changed", False)
    assert WORDS["de"] not in str(told)


def test_dark_photos_are_told_and_photos_that_are_gone_are_passed_over(desk: Desk) -> None:
    for seed in range(100):
        desk.receive([None], image_sha256=desk.photo(seed, 255) if seed else "f" * 64)
    assert desk.watch("one")["read"]["images"]["finding"] == "well"
    for seed in range(50):
        desk.receive([None], image_sha256=desk.photo(seed, 40))
    assert "images" in desk.watch("two")["told"]


def test_a_promotion_makes_the_products_before_it_the_reference(desk: Desk) -> None:
    desk.receive([None] * 50)
    desk.receive([None] * 50, designation=WORDS["de"])
    assert "text" in desk.watch("one")["told"]
    desk.serve(NEW, BETWEEN)
    desk.came = 0xF000
    desk.receive([None] * 50, designation=WORDS["de"])
    read = desk.watch("two")["read"]["text"]
    with make_sessions(desk.engine)() as session:
        row = session.query(QualityReading).filter_by(run_key="two", kind="text").one()
    assert (read["finding"], row.detail["reference"][1]) == ("well", "01900064-0000-7000-8000-000000000000")
