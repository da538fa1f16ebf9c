"""The steps in their order, gone through until one fails, and what was sent erased in any case."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from client.check import customer, reviewer
from client.check.outcome import Finding, Outcome
from client.check.visit import Canary, Step, StepFailed, Visit, expect, expect_refusal
from client.client import EtalonClient
from client.errors import ProblemError

STEPS: dict[str, Step] = {
    "the service is ready": customer.ready,
    "the customer signs in": customer.signs_in,
    "the reviewer signs in": reviewer.signs_in,
    "earlier checks left nothing": customer.sweeps,
    "the customer's product is given a category": customer.predicts,
    "the customer reads it back": customer.reads_it_back,
    "the customer finds it in the list": customer.lists_it,
    "the customer sees its photo": customer.sees_the_photo,
    "the customer may not review": customer.may_not_review,
    "the customer may not see another's product": customer.may_not_see_others,
    "a bad token is refused": customer.strangers_may_nothing,
    "the reviewer sees it": reviewer.sees_it,
    "the reviewer may not invent a code": reviewer.may_not_invent_a_code,
    "the reviewer modifies it": reviewer.modifies_it,
    "the reviewer rejects it": reviewer.rejects_it,
    "the reviewer undoes that": reviewer.undoes_it,
}
ERASURE = "nothing remains"
_PATIENCE = {"timeout_s": 10.0, "attempts": 3, "longest_wait_s": 10.0}  # of one request
_ERASING_S = 30.0  # an archive that has the product in its hands lets go of it when it is done
_NO_KEY = "etalon_service-check-no-key"


@dataclass(frozen=True, slots=True)
class Checkup:
    """A check of one service.

    Attributes:
        url: where it answers.
        canaries: the customer and the reviewer.
        timeout_s: no step is begun later; then what was sent is still erased.
        transport: replaces the network, for tests.
    """

    url: str
    canaries: tuple[Canary, Canary]
    timeout_s: float = 120.0
    transport: httpx.BaseTransport | None = None

    def run(self, say: Callable[[str], None]) -> Outcome:
        """Go through the steps; ``say`` hears of each as it ends."""
        outcome = Outcome(self.url, skipped=[*STEPS, ERASURE])
        deadline = time.monotonic() + self.timeout_s

        def go(step: str, look: Callable[[], str]) -> None:
            outcome.skipped.remove(step)
            outcome.findings.append(_look(step, look))
            say(str(outcome.findings[-1]))

        with self._visit() as visit:
            try:
                for step, look in STEPS.items():
                    go(step, partial(_in_time, look, visit, deadline))
                    if outcome.failures:
                        break
            finally:
                if visit.left:
                    go(ERASURE, partial(_erase, visit))
        return outcome

    @contextmanager
    def _visit(self) -> Iterator[Visit]:
        with ExitStack() as opened:

            def client(**who: str) -> EtalonClient:
                return opened.enter_context(EtalonClient(self.url, **who, **_PATIENCE, transport=self.transport))

            people = [client(username=one.username, password=one.password) for one in self.canaries]
            yield Visit(client(), client(api_key=_NO_KEY), *people, self.canaries)


def _look(step: str, look: Callable[[], str]) -> Finding:
    begun = time.monotonic()
    try:
        found, failure = look(), ""
    except StepFailed as wrong:
        found, failure = "", str(wrong)
    except httpx.TransportError as error:
        found, failure = "", f"the service does not answer: {type(error).__name__}: {error}"
    except ProblemError as problem:
        found, failure = "", f"refused: {problem}"
    except Exception as error:  # an answer that cannot be read is a finding, whatever is wrong with it
        found, failure = "", f"an answer that cannot be read: {type(error).__name__}: {error}"
    return Finding(step, found, failure, time.monotonic() - begun)


def _in_time(look: Step, visit: Visit, deadline: float) -> str:
    if time.monotonic() > deadline:
        raise StepFailed("the time for the whole check was over")
    return look(visit)


def _erase(visit: Visit) -> str:
    """Delete what was sent, and find that it is gone; one that stays keeps nobody from deleting the next."""
    deadline = time.monotonic() + _ERASING_S
    findings = [_look(each[1], partial(_delete, *each, deadline)) for each in visit.left]
    failures = [f"{finding.step}: {finding.failure}" for finding in findings if finding.failure]
    expect(not failures, "; ".join(failures))
    return f"{len(findings)} products erased" + "".join(f"; {finding.found}" for finding in findings if finding.found)


def _delete(owner: EtalonClient, prediction_id: str, deadline: float) -> str:
    """Waits for an archive that has the product in its hands; says what is not gone at once."""
    while True:
        try:
            at_once = owner.delete(prediction_id)
            break
        except ProblemError as problem:
            if problem.status == httpx.codes.NOT_FOUND:
                return ""
            if problem.code != "review.already_claimed" or time.monotonic() > deadline:
                raise
        time.sleep(0.5)
    expect_refusal(404, lambda: owner.prediction(prediction_id), "who asks for what was deleted")
    return "" if at_once else f"{prediction_id} was accepted by somebody: the next snapshot is without it"
