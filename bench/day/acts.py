"""What happens in a day, act by act, and what each has to show."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.day.airflow import Airflow, RunFailed
from bench.day.crowd import Crowd
from bench.day.surroundings import FAULTS, Surroundings
from client import EtalonClient
from local.incoming import Incoming
from local.outcome import live_rows
from local.progress import Steps
from local.retraining import wait_for_release
from local.secrets import AIRFLOW_ADMIN
from local.system import System
from local.traffic import Staged, review, send_products
from local.verdicts import VerdictPlan

DAGS = (
    "retrain",
    "full_training",
    "archive_rejected",
    "service_check",
    "watch_quality",
    "monthly_report",
    "deploy",
    "reconcile",
)
MORNING, AFTERNOON = 340, 500  # products that are sent
HARD_ENOUGH = 60  # of the afternoon's, products that the model gets wrong
STEP_LIMIT = 3  # of a full training's encoders, in batches
ROLLBACK_S = 1.0
A_GLANCE_S = 12.0  # Airflow loses an answer that comes within a second of its question, and asks again
SEED = 20261122

GREY = {"fewest_clusters": 1_000_000, "class_margin": 0.3, "max_calibration_increase": 0.2, "max_relative_latency": 5.0}
"""A policy under which no exam is ever large enough to be sure: what is better at all waits for a person."""


@dataclass
class Findings:
    """What the day showed, in words, and its figures."""

    shown: dict[str, bool] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


class Day:
    """One day on a running system; every act leaves what it found in ``findings``."""

    def __init__(
        self,
        system: System,
        outside: Surroundings,
        products: Sequence[Incoming],
        policy: Path,
        steps: Steps,
        findings: Findings,
    ) -> None:
        self.findings = findings
        self._system = system
        self._outside = outside
        self._products = list(products)
        self._policy = policy
        self._steps = steps
        url, passwords = system.ports.api_url, system.secrets
        self._customer, self._reviewer, self._admin = (
            EtalonClient(url, role, passwords.password(role)) for role in ("customer", "reviewer", "admin")
        )
        airflow = system.ports.airflow_url
        self._airflow = Airflow(airflow, AIRFLOW_ADMIN, passwords.airflow_password(AIRFLOW_ADMIN))

    def live(self) -> None:
        """Everything, in order."""
        step = self._steps.step
        customer = EtalonClient(
            self._system.ports.api_url, "customer", self._system.secrets.password("customer"), attempts=1
        )
        with Crowd(customer, self._products, clients=1, pause_s=1.0) as passers_by:
            with step("morning: verdicts become a better model"):
                self._morning()
            with step("noon: archive, service check, reconciliation, report, a look at the quality"):
                self._noon()
            with step("afternoon: the model gets new products wrong"):
                self._afternoon()
            with step("a person decides in the grey zone, and goes back"):
                self._decide()
            with step("night: a full training, and a last look"):
                self._night()
        self._sum_up(passers_by)

    def _morning(self) -> None:
        before = self._customer.champion()
        staged = send_products(self._customer, self._products[:MORNING], MORNING, self._steps.say)
        plan = VerdictPlan.draw(MORNING, SEED)
        truth = {one.prediction.id: one.product.prdtypecode for one in staged}
        verdicts = review(self._reviewer, truth, plan, self._steps.say)
        self.findings.facts["morning"] = {str(action): count for action, count in verdicts.items()}
        logs = self._system.state.logs / "airflow"
        retraining = wait_for_release(self._airflow, logs, 600.0, self._steps.say)
        judged = retraining.results["judge"]
        self.findings.facts["morning"] |= {"f1": [judged["champion_weighted_f1"], judged["weighted_f1"]]}
        answer = self._until_epoch(before.epoch + 1)
        self._show("the labels of the morning made a champion that answers without a restart", answer)

    def _until_epoch(self, epoch: int) -> bool:
        """Whether the service answers with that release within half a minute."""
        try:
            self._airflow.wait_until(self._customer.champion, lambda now: now.epoch == epoch, 30.0, f"epoch {epoch}")
        except RunFailed:
            return False
        return True

    def _noon(self) -> None:
        quiet = len(self._told())
        runs = {
            "archive_rejected": self._airflow.trigger("archive_rejected"),
            "service_check": self._airflow.trigger("service_check"),
            "watch_quality": self._airflow.trigger("watch_quality"),
            "monthly_report": self._airflow.trigger("monthly_report", month=time.strftime("%Y-%m", time.gmtime())),
            "reconcile": self._airflow.trigger("reconcile", full=True),
        }
        for dag_id, run_id in runs.items():
            run = self._airflow.wait(dag_id, run_id, 300.0)
            self._steps.say(f"{dag_id}: {dict(run.tasks)}")
        self._look_into_the_archive()
        self._show("a quiet morning alarms nobody", len(self._told()) == quiet)
        reports = self._reviewer.reports()
        self._show("the report of the month is listed", len(reports) == 1)

    def _look_into_the_archive(self) -> None:
        drive = self._outside.drive
        rejected = [one.id for one in self._reviewer.every_prediction(status="archived")]
        tree = drive.tree()
        folders = Counter(name.rpartition("/")[0] for name in tree if name.endswith("product.json"))
        parcels = Counter(next((one for one in rejected if one in folder), folder) for folder in folders.elements())
        self.findings.facts["archive"] = {"products": len(rejected), "files": len(tree), "faults": len(drive.struck)}
        self._show(
            f"each of {len(rejected)} rejected products is in the archive once, through {len(drive.struck)} faults",
            bool(rejected) and parcels == Counter(rejected) and len(drive.struck) == len(FAULTS),
        )

    def _afternoon(self) -> None:
        """As if sellers had turned to goods that the model does not know: what it gets right is taken back unseen."""
        self._ask_a_person()
        products = self._products[MORNING : MORNING + AFTERNOON]
        staged = send_products(self._customer, products, AFTERNOON, self._steps.say)
        wrong = [one for one in staged if one.prediction.suggested_code != one.product.prdtypecode]
        for one in staged:
            if one.prediction.suggested_code == one.product.prdtypecode:
                self._customer.delete(one.prediction.id)
        self._steps.say(f"{len(wrong)} of {len(staged)} suggestions are wrong; reviewers correct them")
        mails, texts = len(self._outside.mailbox.mails), len(self._told())
        before = {run.run_id for run in self._airflow.runs("retrain", limit=50)}
        self._correct(wrong)
        self._airflow.wait("watch_quality", self._airflow.trigger("watch_quality"), 120.0)
        subjects = [str(mail["subject"]) for mail in self._outside.mailbox.mails[mails:]]
        self._steps.say(f"mails: {subjects}")
        already = len(self._told())
        alarmed = any("accuracy fell" in subject for subject in subjects) and already > texts
        self._show(f"{len(wrong)} wrong answers alarm people by mail and chat with the next watch", alarmed)
        again = self._airflow.trigger("watch_quality")
        started = self._airflow.wait_until(
            lambda: [run for run in self._airflow.runs("retrain", limit=50) if run.run_id not in before],
            lambda runs: any(run.tasks.get("append") == "success" for run in runs),
            180.0,
            "retrain to start",
        )
        begun = [run.run_id for run in started]
        self._steps.say(f"retrain began: {begun}")
        self._show("and start the retraining", any(run_id.startswith("watch-") for run_id in begun))
        self._airflow.wait("watch_quality", again, 120.0)
        self._show("and are told once, not with every watch", len(self._told()) == already)

    def _ask_a_person(self) -> None:
        """From now on no challenger is surely better."""
        text = self._policy.read_text(encoding="utf-8")
        for name, value in GREY.items():
            text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
        self._policy.write_text(text, encoding="utf-8")

    def _told(self) -> list[str]:
        """Everything that the chat was told about the quality."""
        texts = [str(message["text"]) for message in self._outside.mailbox.messages]
        return [text for text in texts if "watch_quality" in text]

    def _correct(self, wrong: Sequence[Staged]) -> None:
        if len(wrong) < HARD_ENOUGH:
            raise RuntimeError(f"the model gets only {len(wrong)} products wrong; {HARD_ENOUGH} make a bad afternoon")
        for one in wrong:
            self._reviewer.validate(one.prediction.id, prdtypecode=one.product.prdtypecode)

    def _decide(self) -> None:
        before = self._customer.champion()
        (question, *_) = self._airflow.wait_until(
            lambda: self._airflow.questions("deploy"), bool, 420.0, "a challenger in the grey zone"
        )
        self._steps.say(f"asked: {question['subject']}")
        self._show("a challenger in the grey zone waits for a person", self._customer.champion().epoch == before.epoch)
        time.sleep(A_GLANCE_S)
        self._airflow.answer(question, "Approve", why="it knows the goods of the afternoon")
        task = question["task_instance"]
        self._airflow.wait("deploy", task["dag_run_id"], 120.0)
        self._show("approved in Airflow, it is promoted", self._until_epoch(before.epoch + 1))
        release = self._admin.releases(limit=1)[0]
        self._steps.say(f"ledger: epoch {release.epoch}, {release.kind}: {release.reason}")
        self._go_back(before.version, release.epoch)

    def _go_back(self, old: str, epoch: int) -> None:
        url, password = self._system.ports.api_url, self._system.secrets.password("customer")
        customer = EtalonClient(url, "customer", password, attempts=1)
        with Crowd(customer, self._products, clients=4, pause_s=0.0) as crowd:
            crowd.wait_for_epoch(epoch, 30.0)
            time.sleep(3.0)  # let the load settle
            asked = time.perf_counter()
            release = self._admin.rollback(reason="the afternoon's model answers oddly", expected_epoch=epoch)
            first = crowd.wait_for_epoch(release.epoch, 30.0)
            time.sleep(3.0)
        seconds = first.at - asked
        same = release.models["fusion"] == old
        self.findings.facts["rollback"] = {
            "seconds": round(seconds, 3),
            "answers_under_load": len(crowd.answers),
            "failures": crowd.failures[:5],
        }
        self._show(f"rolled back: the old version answers {seconds:.2f} s later", same and seconds <= ROLLBACK_S)
        self._show(f"none of {len(crowd.answers)} requests failed meanwhile", not crowd.failures)

    def _night(self) -> None:
        run_id = self._airflow.trigger("full_training", max_steps=STEP_LIMIT)
        run = self._airflow.wait("full_training", run_id, 600.0)
        self._steps.say(f"full_training: {dict(run.tasks)}")
        self._airflow.wait("reconcile", self._airflow.trigger("reconcile", full=True), 240.0)
        checked = self._system.job("preprocessing.ingest", "fsck", "--full")
        self.findings.facts["fsck"] = {
            "violations": checked["violations"],
            "rows": live_rows(self._system.state.root),
        }
        self._show("nothing is lost, doubled or invented (fsck --full)", checked["violations"] == 0)

    def _sum_up(self, passers_by: Crowd) -> None:
        worked = {dag_id: len(self._airflow.successes(dag_id)) for dag_id in DAGS}
        self.findings.facts["runs"] = worked
        for dag_id, count in worked.items():
            self._show(f"{dag_id} ran in the scheduler and succeeded ({count} times)", count > 0)
        seconds = sorted(answer.seconds for answer in passers_by.answers)
        self.findings.facts["passers_by"] = {
            "answers": len(seconds),
            "median_s": round(seconds[len(seconds) // 2], 3) if seconds else None,
            "failures": passers_by.failures[:5],
        }
        self._show(f"none of {len(seconds)} requests of the day failed", not passers_by.failures)

    def _show(self, words: str, shown: bool) -> None:
        self.findings.shown[words] = shown
        self._steps.say(f"{'✓' if shown else '✗ MISSED:'} {words}")
