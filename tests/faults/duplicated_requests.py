"""Requests that are lost, doubled, delayed and reordered on their way to the real service.

A request with an ``Idempotency-Key`` counts once however often it arrives; a decision without one names the version
it was made on, and counts at most once for that version. Requests that nobody heard of are sent again in the end.
"""

import time

from tests.faults.api_process import Api, warm_nursery
from tests.faults.attempts import Attempts
from tests.faults.campaign import Plan, Progress, Tally
from tests.faults.network import BadNetwork, Postbag
from tests.faults.record_judging import RecordJudge
from tests.faults.shift import answer_open_questions, append_batch, clerks_of, loop_at_work, people_at_work
from tests.faults.shopfront import Shopfront, open_shopfront

_ROUNDS = {"short": 2, "full": 25}
_MOST = {"short": 25, "full": 40}  # things that everybody does in a round
_SETTLE_ROUNDS = 20


def run(plan: Plan, say: Progress) -> Tally:
    """Work over a bad network, ask again over a good one, and judge; then drain and judge the training view."""
    tally, attempts, postbag = Tally(), Attempts(), Postbag()
    began = time.monotonic()
    with warm_nursery() as nursery, open_shopfront(plan.folder / "shop") as front:
        api = Api(nursery, front.settings, plan.folder / "logs")
        process = api.start()
        try:
            api.wait_until_ready(process)
            for number in range(_ROUNDS[plan.scale]):
                tally += _round(plan, front, api.url, attempts, postbag, number)
                if process.is_dead or "request.failed" in api.tail():
                    tally.violations.append(f"round {number}: the service made a mistake: {api.tail()}")
                if tally.failed:
                    break
                say(f"round {number + 1} of {_ROUNDS[plan.scale]}, {len(attempts.all())} requests")
        finally:
            process.kill()
        tally += _settle(plan, front, attempts)
    tally.faults += sum(times for fate, times in postbag.fates.items() if fate != "as sent")
    fates = ", ".join(f"{times} {fate}" for fate, times in sorted(postbag.fates.items()))
    tally.notes.append(f"requests: {len(attempts.all())} in {time.monotonic() - began:.0f} s: {fates}")
    return tally


def _round(plan: Plan, front: Shopfront, url: str, attempts: Attempts, postbag: Postbag, number: int) -> Tally:
    where = f"round {number} (replay with seed {plan.seed})"
    rng = plan.random("requests", number)
    clerks = clerks_of(front, url, attempts, rng, f"r{number}", lambda own: BadNetwork(postbag, own))
    with loop_at_work(front.shop, f"r{number}"), people_at_work(clerks, {}, _MOST[plan.scale], patient=True):
        pass
    good = clerks_of(front, url, attempts, rng, f"r{number}.again")
    try:
        answered = answer_open_questions(good, attempts, 0.5, rng)  # while the late ones are under way
        postbag.wait_until_empty()
        answered = answered and answer_open_questions(good, attempts, 1.0, rng)
    finally:
        for clerk in good:
            clerk.close()
    tally = RecordJudge(front, attempts, where).judge()
    if not answered:
        tally.violations.append(f"{where}: the service did not answer over a good network")
    return tally


def _settle(plan: Plan, front: Shopfront, attempts: Attempts) -> Tally:
    where = f"in the end (replay with seed {plan.seed})"
    for number in range(_SETTLE_ROUNDS):
        if append_batch(front.shop, f"settle-{number}") is None:
            break
    judge = RecordJudge(front, attempts, where)
    judge.judge()
    tally = judge.judge_view()
    tally.violations += [f"{where}: fsck: {violation}" for violation in front.shop.check()]
    return tally
