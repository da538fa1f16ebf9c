"""A month told from real databases: what is counted and what is not, the same page again, what it asks for."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from sqlalchemy import Engine, null, select

from core.db.models import (
    ArchiveParcel,
    Audit,
    Outbox,
    Prediction,
    Promotion,
    QualityReading,
    RetrainRequest,
    SegmentClaim,
    UserAccount,
    Verdict,
)
from core.db.repositories import monthly, retrain_requests
from core.db.repositories.users import CANARY
from core.db.session import make_sessions
from core.reports import NoReport
from core.settings import (
    DatabaseSettings,
    GateSettings,
    LoopSettings,
    ModelSettings,
    ServingSettings,
    StoreSettings,
    TrainSettings,
)
from tests.integration.conftest import same_on_any_database
from tests.toys.shop import TAXONOMY
from training.jobs import __main__ as jobs
from training.jobs.reporting import log_report, report
from training.jobs.workplace import Workplace
from training.report.month.facts import BadMonth, Month
from training.tracking import TrackingUnavailable

OCTOBER = Month(2025, 10)
LOOP = LoopSettings(report_min_verdicts=20)
SERVED = "c" * 64


@dataclass
class Diary:
    """Writes what happened when into a database, as the service and the jobs would have."""

    engine: Engine
    numbers: Iterator[int] = field(default_factory=count)

    def add(self, *rows: Any) -> None:
        with make_sessions(self.engine).begin() as session:
            for row in rows:
                session.add(row)
                session.flush()

    def people(self) -> None:
        names = {"u": "carla", "r": "remy", "k": CANARY, "q": f"{CANARY}-reviewer"}
        self.add(
            *(UserAccount(id=id_, username=name, password_hash="", role="customer") for id_, name in names.items())
        )

    def product(self, at: datetime, *, owner: str = "u", status: str = "pending", **columns: Any) -> str:
        """A product that was sent then; the model says 10."""
        milliseconds = int(at.replace(tzinfo=UTC).timestamp() * 1000)
        digits = f"{milliseconds:012x}"
        product = f"{digits[:8]}-{digits[8:]}-7000-8000-{next(self.numbers):012x}"
        given = {"modality": "text-only", "suggested_code": 10, "current_code": 10, "confidence": 0.8}
        self.add(
            Prediction(
                id=product, owner_id=owner, created_at=at, updated_at=at, designation="<b>lamp</b>", status=status,
                answer={}, model_name="fusion", model_version=SERVED, epoch=1, taxonomy_version="toy",
                **given | columns,
            )
        )  # fmt: skip
        return product

    def verdict(
        self, product: str, at: datetime, action: str = "validate", code: int = 10, *, version: int = 2
    ) -> None:
        self.add(
            Verdict(
                prediction_id=product, prediction_version=version, action=action, prdtypecode=code, reviewer_id="r",
                decided_at=at,
            )
        )  # fmt: skip

    def judged(self, at: datetime, right: int, wrong: int) -> None:
        """So many products that were sent and decided about in the hour after."""
        for number in range(right + wrong):
            product = self.product(at + timedelta(minutes=number), status="validated")
            self.verdict(product, at + timedelta(minutes=number, hours=1), code=10 if number < right else 40)


def day(number: int, *, month: int = 10) -> datetime:
    return datetime(2025, month, number, 9, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def diary(engine: Engine) -> Diary:
    diary = Diary(engine)
    diary.people()
    return diary


@pytest.fixture
def workplace(engine: Engine, tmp_path: Path) -> Iterator[Workplace]:
    store = StoreSettings(root=tmp_path / "var")
    store.root.mkdir()
    (store.root / "taxonomy.csv").write_text(TAXONOMY.to_csv(), encoding="utf-8")
    place = Workplace(
        store=store,
        model=ModelSettings(),
        train=TrainSettings(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", experiment="toy"),
        gate=GateSettings(),
        database=DatabaseSettings(url=engine.url.render_as_string(hide_password=False)),
        serving=ServingSettings(),
    )
    yield place
    place.close()


def write_a_month(diary: Diary) -> None:
    """October 2025 with a little of everything."""
    diary.judged(day(3, month=9), right=30, wrong=2)
    diary.judged(day(6), right=25, wrong=5)
    late = diary.product(day(20), status="validated")
    diary.verdict(late, day(2, month=11))
    undone = diary.product(day(21))
    diary.verdict(undone, day(22))
    diary.verdict(undone, day(23), "undo", version=3)
    rejected = diary.product(day(24), status="archived")
    diary.verdict(rejected, day(24), "reject")
    diary.product(day(25))
    for checker in "kq":
        diary.product(day(26), owner=checker)
    claim = {"run_key": "r", "claimed_at": day(7)}
    diary.add(
        SegmentClaim(segment=1, rows=30, retractions=2, manifest=2, ingested_at=day(7), **claim),
        SegmentClaim(segment=2, rows=9, retractions=0, manifest=3, ingested_at=day(7, month=11), **claim),
        Promotion(
            epoch=1, kind="first", models={"fusion": SERVED}, previous={}, actor="r", reason="<script>first</script>",
            taxonomy_version="toy", created_at=day(1),
        ),
        Audit(at=day(8), actor="training", action="judge", subject=f"package/{'d' * 56}", detail=judgement()),
        RetrainRequest(id="w", requested_by="r", reason="a new season", requested_at=day(9), waiting=null()),
        ArchiveParcel(
            prediction_id=rejected, version=2, place="folder", day="2025-10-24", ids={}, claimed_at=day(24),
            archived_at=day(24),
        ),
        Outbox(prediction_id=undone, version=2, kind="archive", created_at=day(24)),
        QualityReading(
            run_key="w", at=day(10), kind="accuracy", model_version=SERVED, rows=30, through="1", value=0.83,
            threshold=0.7, finding="well", detail={},
        ),
    )  # fmt: skip


def judgement() -> dict[str, Any]:
    said = {"manifest": 2, "decision": "refuse", "epoch": 1, "champion": SERVED, "run_id": "f" * 32, "gate": {}}
    return {**said, "weighted_f1": 0.81, "champion_weighted_f1": 0.83}


def html_of(told: dict[str, Any]) -> str:
    return Path(told["path"]).read_text(encoding="utf-8")


def test_a_month_is_counted_from_what_happened_in_it(diary: Diary, workplace: Workplace) -> None:
    write_a_month(diary)
    page = html_of(report(workplace, LOOP, month="2025-10"))
    assert "34 products came in from 1 sender, 6\u00a0% more than the month before (32)." in page
    assert "1 person gave 33 verdicts: 31 × validate, 1 × undo and 1 × reject." in page
    assert "16.7\u00a0% of the answers that they accepted a label for (5 of 30;" in page
    assert "3 products waited for a reviewer at the end" in page
    assert "the oldest for 11 days" in page
    assert "took 30 labels in and 2 back." in page
    assert "1 newly trained model was judged: 1 × refuse." in page
    assert "&lt;script&gt;first&lt;/script&gt;" in page
    assert "a new season" in page
    assert "Beside the last challenger, on snapshot 2, it had 0.830." not in page  # nobody measured it by itself
    assert "1 rejected product went into the archive and 0 out of it; 1 were on their way at the end." in page
    assert "took 1 reading, and none was alarming" in page
    assert "No retraining needed" in page
    assert "lamp" not in page  # what senders wrote stays where it can be erased


def test_a_month_that_is_over_is_the_same_file_whatever_happened_since(diary: Diary, workplace: Workplace) -> None:
    write_a_month(diary)
    first = report(workplace, LOOP, month="2025-10")
    diary.judged(day(12, month=11), right=1, wrong=30)
    diary.add(
        Promotion(
            epoch=2, kind="gate", models={"fusion": "e" * 64}, previous={}, actor="training", reason="better",
            taxonomy_version="toy", created_at=day(13, month=11),
        )
    )  # fmt: skip
    again = report(workplace, LOOP, month="2025-10")
    assert again == first
    assert sorted(path.name for path in workplace.store.reports.iterdir()) == [
        "monthly-2025-10.html",
        "monthly-2025-10.json",
    ]


@same_on_any_database
def test_the_running_month_looks_until_the_newest_data_and_the_default_is_the_last_whole_one(
    diary: Diary, workplace: Workplace
) -> None:
    with workplace.sessions() as session:
        now = monthly.clock(session)
    diary.product(now - timedelta(seconds=1))
    running, before = Month.of(now), Month.of(now).before
    assert "So far, until" in html_of(report(workplace, LOOP, month=str(running)))
    assert report(workplace, LOOP, month="")["month"] == str(before)
    with pytest.raises(BadMonth, match="has not begun"):
        report(workplace, LOOP, month=str(running.next))


def test_a_bad_month_asks_for_one_retraining_and_a_good_one_for_none(diary: Diary, workplace: Workplace) -> None:
    write_a_month(diary)
    assert not report(workplace, LOOP, month="2025-10", ask=True)["asked"]
    diary.judged(day(28), right=0, wrong=40)
    assert not report(workplace, LOOP, month="2025-10")["asked"]  # nobody wants it to
    told = [report(workplace, LOOP, month="2025-10", ask=True) for _ in range(2)]
    assert [one["asked"] for one in told] == [True, True]
    with workplace.sessions.begin() as session:
        assert retrain_requests.take(session, "a run")
    assert not report(workplace, LOOP, month="2025-10", ask=True)["asked"]
    with workplace.sessions() as session:
        asked = session.scalars(select(RetrainRequest).where(RetrainRequest.requested_by.is_(None))).all()
        acts = session.scalars(select(Audit).where(Audit.actor == "monthly_report")).all()
    assert [one.reason.partition(": ")[0] for one in asked] == ["monthly-2025-10"]
    assert "people replaced" in asked[0].reason
    assert len(acts) == 1


@same_on_any_database
def test_a_report_is_logged_into_one_run_however_often(diary: Diary, workplace: Workplace, tmp_path: Path) -> None:
    client = MlflowClient(workplace.train.tracking_uri)
    # A tracking store without a server would put artefacts where the process happens to stand.
    experiment = client.create_experiment("toy-reports", artifact_location=str(tmp_path / "artifacts"))
    write_a_month(diary)
    told = report(workplace, LOOP, month="2025-10")
    first = log_report(workplace, name=told["name"])
    diary.judged(day(28), right=0, wrong=40)
    again = report(workplace, LOOP, month="2025-10")
    assert log_report(workplace, name=told["name"]) == first
    (run,) = client.search_runs([experiment])
    assert run.info.status == "FINISHED"
    assert run.data.tags["retrain"] == "true"
    assert run.data.metrics["override_rate"] == pytest.approx(45 / 70)
    kept = client.download_artifacts(first["run_id"], "report.html", str(tmp_path))
    assert Path(kept).read_text(encoding="utf-8") == html_of(again)


@same_on_any_database
def test_a_tracking_server_that_is_away_takes_no_report_away(
    diary: Diary, workplace: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    told = report(workplace, LOOP, month="2025-10")
    workplace.train = TrainSettings(tracking_uri="http://127.0.0.1:9")
    with pytest.raises(TrackingUnavailable):
        log_report(workplace, name=told["name"])
    assert html_of(told)
    with pytest.raises(NoReport):
        log_report(workplace, name="monthly-2024-01")
    with pytest.raises(NoReport):
        log_report(workplace, name="../../etc/passwd")


@same_on_any_database
def test_the_verb_prints_its_result_and_says_what_it_refuses(
    diary: Diary, workplace: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Workplace, "from_environment", lambda: workplace)
    monkeypatch.setattr(jobs, "configure_logging", lambda: None)
    monkeypatch.setattr(sys, "argv", ["training.jobs", "report", "--month", "2025-10"])
    assert jobs.main() == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["name"] == "monthly-2025-10"
    monkeypatch.setattr(sys, "argv", ["training.jobs", "report", "--month", "October"])
    assert jobs.main() == 1
    assert "report.bad_month" in capsys.readouterr().err
