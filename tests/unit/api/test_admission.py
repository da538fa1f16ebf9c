"""Places, the queue before them, and bodies that arrive: told by tasks on one loop and a clock that is set by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from api.metrics.instruments import Instruments
from api.predictions import admission as module
from api.predictions.admission import Admission, Crowd, Overloaded, Reception


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def on_a_loop(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(story())  # type: ignore[arg-type]


async def let_others_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def crowd(places: int = 2, budget_s: float = 2.0, service_s: float = 1.0, clock: Clock | None = None) -> Admission:
    admission = Admission(places, budget_s, Instruments(), clock or Clock())
    admission.service_s = service_s
    return admission


class Visit:
    """A request that stays in its place until it is told to go."""

    def __init__(self, admission: Admission) -> None:
        self._ticket = admission.promise()
        self._go = asyncio.Event()
        self.inside = False
        self.task = asyncio.create_task(self._stay())

    async def _stay(self) -> None:
        async with self._ticket.place():
            self.inside = True
            await self._go.wait()

    async def leave(self) -> None:
        self._go.set()
        await self.task


def test_the_queue_holds_what_the_places_answer_within_the_budget() -> None:
    assert crowd(places=2, budget_s=2.0, service_s=0.1).queue_limit == 20
    assert crowd(places=2, budget_s=2.0, service_s=0.9).queue_limit == 2
    assert crowd(places=2, budget_s=2.0, service_s=60.0).queue_limit == 2


def test_who_comes_first_is_served_first_and_who_finds_no_room_is_refused() -> None:
    async def story() -> None:
        admission = crowd(places=1, service_s=0.5)  # two may wait
        visits = [Visit(admission) for _ in range(3)]
        await let_others_run()
        with pytest.raises(Overloaded):
            admission.promise()
        assert [visit.inside for visit in visits] == [True, False, False]
        await visits[0].leave()
        await let_others_run()
        assert (visits[1].inside, visits[2].inside) == (True, False)
        for visit in visits[1:]:
            await visit.leave()
        assert (admission.inside, admission.waiting) == (0, 0)

    on_a_loop(story)


@pytest.mark.parametrize("gives_up_when", ["waiting", "called", "inside"])
def test_a_place_is_given_back_however_a_request_ends(gives_up_when: str) -> None:
    async def story() -> None:
        admission = crowd(places=1)
        first, second = Visit(admission), Visit(admission)
        await let_others_run()
        if gives_up_when == "waiting":
            second.task.cancel()
            await let_others_run()
            assert admission.waiting == 0
        await first.leave() if gives_up_when != "called" else first._go.set()
        if gives_up_when == "called":
            await first.task  # the second has been called, and has not come yet
            second.task.cancel()
        await let_others_run()
        second.task.cancel()
        await asyncio.gather(second.task, return_exceptions=True)
        assert (admission.inside, admission.waiting) == (0, 0)
        await Visit(admission).leave()

    on_a_loop(story)


def test_the_mean_time_of_answers_is_learnt_and_that_of_refusals_is_not() -> None:
    async def story() -> None:
        clock = Clock()
        admission = crowd(service_s=1.0, clock=clock)
        async with admission.promise().place():
            clock.now += 2.0
        assert admission.service_s == pytest.approx(1.1)
        with pytest.raises(ValueError, match="a form with a mistake"):
            async with admission.promise().place():
                raise ValueError("a form with a mistake")
        assert admission.service_s == pytest.approx(1.1)

    on_a_loop(story)


def test_a_slow_body_keeps_nobody_out_and_queues_when_it_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROMISE_S", 0.0)

    async def story() -> None:
        admission = crowd(places=1, service_s=1.0)  # one may wait
        slow = [admission.promise() for _ in range(2)]
        with pytest.raises(Overloaded):
            admission.promise()
        await asyncio.sleep(0.01)
        assert admission.waiting == 0
        others = [Visit(admission), Visit(admission)]
        await let_others_run()
        with pytest.raises(Overloaded):
            async with slow[0].place():
                raise AssertionError("it was let in beyond the queue's limit")
        for visit in others:
            await visit.leave()
        async with slow[1].place():
            assert admission.inside == 1

    on_a_loop(story)


def test_bodies_that_arrive_are_bounded_in_all_and_for_each_sender() -> None:
    reception = Reception(limit=3, each=2)
    with ExitStack() as arriving:
        arriving.enter_context(reception.receiving("one"))
        arriving.enter_context(reception.receiving("one"))
        with pytest.raises(Overloaded):
            arriving.enter_context(reception.receiving("one"))
        arriving.enter_context(reception.receiving("two"))
        with pytest.raises(Overloaded):
            arriving.enter_context(reception.receiving("three"))
    for _ in range(2):
        with reception.receiving("one"):
            pass


def test_requests_under_way_are_bounded_and_looking_takes_no_room() -> None:
    crowd = Crowd(limit=1)
    crowd.require_room()
    with crowd.joined():
        with pytest.raises(Overloaded):
            crowd.require_room()
        with pytest.raises(Overloaded), crowd.joined():
            raise AssertionError("it was let in")
    with crowd.joined():
        pass
