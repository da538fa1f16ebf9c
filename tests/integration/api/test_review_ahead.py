"""GET /review/next besides what is in hand, and the leases that a page takes and gives back itself."""

import threading
from typing import Any

import pytest

from core.db.models import Prediction, Verdict
from tests.integration.api.test_review_next import end_leases
from tests.integration.api.toys import Service, problem

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def made(service: Service, customer: dict[str, str]) -> list[str]:
    """Six products, oldest first."""
    return [service.predict(customer, f"a book {n}")["id"] for n in range(6)]


def following(service: Service, headers: dict[str, str], *besides: str, **query: Any) -> str | None:
    """The oldest product that is given to somebody who has these in hand."""
    asked = {"order": "oldest", "besides": besides, **query}
    answer = service.http.get("/review/next", params=asked, headers=headers)
    assert answer.status_code in (200, 204), answer.text
    return answer.json()["id"] if answer.status_code == 200 else None


def post(service: Service, headers: dict[str, str], path: str, **body: Any) -> Any:
    return service.http.post(path, json=body or None, headers=headers)


def decide(service: Service, headers: dict[str, str], an_id: str) -> int:
    return post(service, headers, f"/predictions/{an_id}/validate", accept=True).status_code


def hold(service: Service, headers: dict[str, str], an_id: str) -> Any:
    return post(service, headers, f"/predictions/{an_id}/lease")


def release(service: Service, headers: dict[str, str], *ids: str) -> Any:
    return post(service, headers, "/review/release", ids=list(ids))


def test_the_next_product_is_there_while_one_is_looked_at(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    shown = following(service, reviewer)
    ready = following(service, reviewer, made[0])
    assert (shown, ready) == (made[0], made[1])
    assert following(service, reviewer, made[0]) == made[1], "what is held and not named is given again"
    assert following(service, reviewer, made[0], made[1]) == made[2]


def test_what_is_ready_is_offered_to_nobody_else(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    following(service, reviewer)
    following(service, reviewer, made[0])
    assert following(service, admin) == made[2]


def test_a_product_whose_verdict_is_on_its_way_is_not_given_again(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    """The page asks for the next while its verdict is being written: before it, or after it, alike."""
    following(service, reviewer)
    following(service, reviewer, made[0])
    before = following(service, reviewer, made[0], made[1])
    assert decide(service, reviewer, made[0]) == 200
    after = following(service, reviewer, made[0], made[1])
    assert (before, after) == (made[2], made[2])


@pytest.mark.parametrize("besides", [[UNKNOWN] * 6, ["x"]])
def test_more_than_a_hand_holds_or_no_ids_are_422(
    service: Service, reviewer: dict[str, str], besides: list[str]
) -> None:
    answer = service.http.get("/review/next", params={"besides": besides}, headers=reviewer)
    assert answer.status_code == 422
    problem(answer)


def test_nobody_is_given_a_second_product_that_somebody_at_work_will_be_free_for(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    for one in made[3:]:
        assert decide(service, admin, one) == 200
    assert (following(service, reviewer), following(service, admin)) == (made[0], made[1])
    assert following(service, reviewer, made[0]) is None
    assert decide(service, reviewer, made[0]) == 200
    assert following(service, reviewer, made[0]) == made[2], "who holds nothing is given the last one"


def test_who_works_alone_has_the_last_product_ready(
    service: Service, reviewer: dict[str, str], made: list[str]
) -> None:
    for one in made[2:]:
        assert decide(service, reviewer, one) == 200
    assert following(service, reviewer) == made[0]
    assert following(service, reviewer, made[0]) == made[1]
    assert following(service, reviewer, made[0], made[1]) is None


def test_leases_that_ended_are_nobody_s_work(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    for one in made[3:]:
        assert decide(service, admin, one) == 200
    following(service, admin)
    end_leases(service)
    assert following(service, reviewer) == made[0]
    assert following(service, reviewer, made[0]) == made[1]


# --- giving back --------------------------------------------------------------------------------------------------


def test_what_somebody_lets_go_of_is_free_at_once(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    following(service, reviewer)
    following(service, reviewer, made[0])
    answer = release(service, reviewer, made[1], made[0], UNKNOWN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert following(service, admin) == made[0]
    assert {row.version for row in service.rows(Prediction)} == {1}


def test_nobody_lets_go_of_what_another_holds(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    held = following(service, admin)
    assert release(service, reviewer, str(held)).status_code == 204
    assert following(service, reviewer) == made[1]


@pytest.mark.parametrize("ids", [[], [UNKNOWN] * 7, ["x"], [7], UNKNOWN])
def test_letting_go_of_nothing_or_of_too_much_is_422(service: Service, reviewer: dict[str, str], ids: Any) -> None:
    answer = post(service, reviewer, "/review/release", ids=ids)
    assert answer.status_code == 422
    problem(answer)


# --- this very product --------------------------------------------------------------------------------------------


def test_a_product_that_was_just_undone_is_held_again(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    decide(service, reviewer, made[0])
    post(service, reviewer, f"/predictions/{made[0]}/undo")
    answer = hold(service, reviewer, made[0])
    assert (answer.status_code, answer.headers["etag"]) == (200, '"3"')
    assert answer.json()["leased_until"] > answer.json()["updated_at"]
    assert following(service, admin) == made[1]


def test_a_long_look_lengthens_the_lease(service: Service, reviewer: dict[str, str], made: list[str]) -> None:
    first, second = (hold(service, reviewer, made[0]).json() for _ in range(2))
    assert first.pop("leased_until") < second.pop("leased_until")
    assert first == second


def test_what_another_holds_is_theirs_until_their_lease_ends(
    service: Service, reviewer: dict[str, str], admin: dict[str, str], made: list[str]
) -> None:
    assert following(service, admin) == made[0]
    refused = hold(service, reviewer, made[0])
    assert (refused.status_code, problem(refused)["code"]) == (409, "review.leased")
    assert decide(service, reviewer, made[1]) == 200, "a lease blocks nobody's verdict"
    end_leases(service)
    assert hold(service, reviewer, made[0]).status_code == 200


def test_what_is_in_no_queue_is_not_held(
    service: Service, customer: dict[str, str], reviewer: dict[str, str], made: list[str]
) -> None:
    own = service.predict(reviewer, "a lamp")["id"]
    decide(service, reviewer, made[0])
    refusals = {
        own: (403, "review.own_product"),
        made[0]: (409, "review.not_pending"),
        UNKNOWN: (404, "prediction.not_found"),
    }
    for one, expected in refusals.items():
        answer = hold(service, reviewer, one)
        assert (answer.status_code, problem(answer)["code"]) == expected
    stale = service.http.post(f"/predictions/{made[1]}/lease", headers={**reviewer, "If-Match": '"7"'})
    assert (stale.status_code, problem(stale)["code"]) == (412, "review.stale_version")
    assert [hold(service, headers, made[1]).status_code for headers in (customer, {})] == [403, 401]


# --- everybody at once --------------------------------------------------------------------------------------------


def work_ahead(service: Service, headers: dict[str, str], shown_to: list[str]) -> None:
    """Work as the page does: show one, have the next ready, decide, move on; every fifth is put aside."""
    shown, ready = following(service, headers), None
    while shown is not None:
        shown_to.append(shown)
        ready = ready or following(service, headers, shown)
        if len(shown_to) % 5:
            assert decide(service, headers, shown) == 200, shown
        else:
            assert post(service, headers, f"/predictions/{shown}/skip").status_code == 204
        shown, ready = ready or following(service, headers, shown), None


def test_eight_people_with_two_products_each_never_meet(service: Service, customer: dict[str, str]) -> None:
    """All decisions are 200: nobody's product was decided by another, and nothing is left that anybody would take."""
    made = [service.predict(customer, f"a lamp {n}")["id"] for n in range(60)]
    names = [f"reviewer{n}" for n in range(8)]
    for name in names:
        service.hire(name)
    shown: dict[str, list[str]] = {name: [] for name in names}
    failures: list[BaseException] = []
    together = threading.Barrier(len(names))

    def work(name: str, headers: dict[str, str]) -> None:
        together.wait()
        try:
            work_ahead(service, headers, shown[name])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name, service.sign_in(name))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [name for name in names if len(shown[name]) != len(set(shown[name]))] == [], "shown twice to one person"
    assert {one for each in shown.values() for one in each} == set(made)
    verdicts = [row.prediction_id for row in service.rows(Verdict)]
    assert len(verdicts) == len(set(verdicts))
