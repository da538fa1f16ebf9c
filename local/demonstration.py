"""The whole loop: a base, a champion, products, verdicts, a retraining, a better champion.

Everything goes the way it goes in earnest: products and verdicts through the HTTP service, the retraining through
Airflow, the release through the gate. The demonstration itself only knows the right answers.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from client import Champion, EtalonClient
from local.beginning import generate_sample, release_first_champion
from local.health import NotHealthy
from local.incoming import Incoming, read_incoming
from local.orchestrator import Orchestrator
from local.outcome import Outcome, live_rows
from local.programs import SCHEDULER
from local.progress import Steps
from local.retraining import DAG, wait_for_release
from local.secrets import AIRFLOW_WAKER
from local.system import System
from local.traffic import Staged, review, send_products
from local.up import Wishes
from local.verdicts import VerdictPlan

SEED = 20261121
MOST_INCOMING = 500  # a batch that is worth judging
_SPARE_SHARE = 0.02  # of the incoming products, kept for those that the service refuses
_NEVER = 10**9  # rows
_IN_A_HURRY = "1000000"  # requests a minute: two accounts do here in seconds what many do in a day
_GRACE_S = 3  # at the end; nobody will need this state again
_RELEASE_S = 20 * 60.0
_DAG_KNOWN_S = 90.0
_SWAP_S = 30.0


class Demonstration:
    """One run of the loop in a fresh state; ``outcome`` is filled in as it goes."""

    def __init__(self, root: Path, wishes: Wishes, steps: Steps, outcome: Outcome) -> None:
        self._wishes = wishes
        self._steps = steps
        self._outcome = outcome
        # How many verdicts make a retraining is known only once the products are: until then, and for programs
        # that start before, the number stands in a file.
        self._min_rows = root.resolve() / "run" / "min-rows"
        settings = {"LOOP_MIN_ROWS_FILE": str(self._min_rows), "AUTH_REQUESTS_PER_MINUTE": _IN_A_HURRY}
        self._system = System.assemble(root, **settings)
        self._min_rows.write_text(str(_NEVER), encoding="utf-8")

    def run(self) -> None:
        """Everything, step by step.

        Raises:
            Exception: whatever kept a step from ending; ``diagnosis`` explains it.
        """
        step, say = self._steps.step, self._steps.say
        for notice in self._system.notices:
            say(notice)
        with ThreadPoolExecutor(1) as background:
            # Airflow and MLflow come up while the base is imported and the champion trained. Two follow later: the
            # service, which at its start reads how many verdicts make a retraining, and who runs what needs a champion.
            booted = background.submit(self._system.boot, without={"api", SCHEDULER}, grace_s=_GRACE_S)
            with step("database and accounts"):
                self._system.migrate()
            with step("catalogue"):
                data = self._wishes.data or generate_sample(self._system, self._wishes.limit)
                say(f"generated: {data}" if self._wishes.data is None else f"read: {data}")
                base = self._system.import_catalogue(data, self._wishes.base, self._wishes.limit)
                say(f"base: {base['rows']} rows, {base['splits']}")
            products, plan = self._plan(data)
            booted.result()
        with step("first champion (encoders, training, evaluation)"):
            self._system.supervisor.start_program("api")
            self._system.wait_healthy("mlflow", say=say)
            release_first_champion(self._system)
            self._system.supervisor.start_program(SCHEDULER)
        with step("everything answers"):
            self._system.wait_healthy(say=say)
            self._wait_for_dag()
        with self._client("customer") as customer:
            self._close_the_loop(customer, products, plan)

    def _plan(self, data: Path) -> tuple[list[Incoming], VerdictPlan]:
        """The products to come, spare ones last, and what the reviewer will do; tells the loop how many to expect."""
        base = self._system.state.root / "training" / "segments" / "000000-base" / "products.csv"
        products = read_incoming(data, base, SEED)
        most = min(MOST_INCOMING, self._wishes.limit or MOST_INCOMING)
        plan = VerdictPlan.draw(min(most, len(products) - round(_SPARE_SHARE * len(products))), SEED)
        self._min_rows.write_text(str(plan.validated), encoding="utf-8")
        return products, plan

    def _close_the_loop(self, customer: EtalonClient, products: list[Incoming], plan: VerdictPlan) -> None:
        step, say, outcome = self._steps.step, self._steps.say, self._outcome
        before = customer.champion()
        outcome.champion_before = before.version
        outcome.rows_before = live_rows(self._system.state.root)
        with step(f"{plan.products} products arrive"):
            staged = send_products(customer, products, plan.products, say)
            right = sum(each.prediction.suggested_code == each.product.prdtypecode for each in staged)
            outcome.suggestions_right = right / len(staged)
            say(f"the suggestion is right for {outcome.suggestions_right:.0%}")
        with step("a reviewer answers every suggestion"), self._client("reviewer") as reviewer:
            truth = {each.prediction.id: each.product.prdtypecode for each in staged}
            outcome.verdicts = {str(action): n for action, n in sorted(review(reviewer, truth, plan, say).items())}
            say(", ".join(f"{action}: {count}" for action, count in outcome.verdicts.items()))
        with step("the verdicts retrain the model"), self._orchestrator() as orchestrator:
            logs = self._system.state.logs / "airflow"
            retraining = wait_for_release(orchestrator, logs, _RELEASE_S, say)
            outcome.judged = retraining.results["judge"]
            for reason in outcome.judged.get("reasons", []):
                say(f"gate: {reason}")
            outcome.rows_after = live_rows(self._system.state.root)
        with step("the service answers with the new champion"):
            self._ask_again(customer, before, staged[0])

    def _ask_again(self, customer: EtalonClient, before: Champion, staged: Staged) -> None:
        """Wait until the service names a new release, then ask for the first product again."""
        deadline = time.monotonic() + _SWAP_S
        while (after := customer.champion()).epoch <= before.epoch and time.monotonic() < deadline:
            time.sleep(0.2)
        product = staged.product
        answer = customer.predict(product.designation, product.description, product.image)
        outcome = self._outcome
        outcome.champion_after = after.version
        outcome.promoted = after.epoch == before.epoch + 1 and after.version != before.version
        outcome.answered_before, outcome.answered_after = staged.prediction.model.version, answer.model.version
        outcome.next_answer_is_new = answer.model.version == after.version and answer.model.epoch == after.epoch
        self._steps.say(f"{product.designation[:50]!r}: epoch {before.epoch} said {staged.prediction.label!r},")
        self._steps.say(f"epoch {answer.model.epoch} says {answer.label!r} ({answer.confidence:.0%})")

    def _wait_for_dag(self) -> None:
        """Return once Airflow has read the DAG: an event that comes earlier would wake nobody."""
        deadline = time.monotonic() + _DAG_KNOWN_S
        with self._orchestrator() as orchestrator:
            while not orchestrator.knows(DAG):
                if time.monotonic() > deadline:
                    raise NotHealthy("airflow-dagprocessor", f"{DAG} was not read within {_DAG_KNOWN_S:.0f} s")
                time.sleep(0.3)

    def _client(self, account: str) -> EtalonClient:
        return EtalonClient(self._system.ports.api_url, account, self._system.secrets.password(account))

    def _orchestrator(self) -> Orchestrator:
        password = self._system.secrets.airflow_password(AIRFLOW_WAKER)
        return Orchestrator(self._system.ports.airflow_url, AIRFLOW_WAKER, password)
