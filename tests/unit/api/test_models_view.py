"""What the models page shows: the gate's reasons in two languages, drawings, the heat map, links."""

from collections.abc import Callable

import pytest

from api.models.evaluation import ClassRead, DifferenceRead, EvaluationRead, FiguresRead, ScoreRead
from api.web.models import comparison
from api.web.models.confusion import Shown, heat_map
from api.web.models.links import links_of, question_of, retraining_link
from api.web.models.reasons import checks, points
from api.web.texts import LANGUAGES, texts_in
from core.domain.evidence import ClassChange as Change
from core.domain.evidence import Comparison, Difference, Evidence, LabelDoubt, Looks, Robustness
from core.domain.gate import GateDecision, GatePolicy, accompany, decide
from core.settings import ServingSettings
from tests.toys.evaluations import gate_report
from training.gate import report

EN, FR = texts_in("en"), texts_in("fr")
GAIN = Difference(rows=900, clusters=800, observed=0.013, improves=0.9, worsens=0.1, low=-0.004, high=0.03)


def named(code: int) -> str:
    return f"class {code}"


def every_check() -> dict[str, object]:
    """The report of a comparison in which the gate has something to say of everything."""
    compared = Comparison(
        overall=GAIN,
        frozen=GAIN,
        fresh=GAIN,
        classes=(Change(10, 100, 0.9, 0.6, 0.0001), Change(40, 100, 0.8, 0.9, 0.9)),
        calibration_increase=0.001,
        relative_latency=1.2,
        robustness=(Robustness("missing accents", 200, 0.8, 0.7, 0.1, 0.1, 0.5),),
        new_labels=LabelDoubt(rows=50, contradicted=0.2, expected=0.15, low=0.01),
        looks=Looks(at_holdout=3, at_champion=60),
    )
    evidence = Evidence(True, compared)
    return report(evidence, GatePolicy(), decide(evidence, GatePolicy()))


# --- the gate's reasons -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_check_of_the_gate_is_known_to_the_page(language: str) -> None:
    texts = texts_in(language)
    told = every_check()
    found = checks(told, texts, named)
    assert len(found) == len(told["reasons"]) == 14
    details = {reason.partition(": ")[2] for reason in told["reasons"]}
    assert [one.words for one in found if one.words in details] == []  # the gate's own, not the page's


def test_what_failed_comes_first() -> None:
    passed = [one.passed for one in checks(every_check(), EN, named)]
    assert passed == sorted(passed)
    assert not passed[0]


def test_a_category_that_falls_is_named() -> None:
    (fall,) = [one for one in checks(every_check(), EN, named) if one.title == "No category falls"]
    assert fall.passed is False
    assert fall.words == "1 of 2 categories with at least 30 products surely fell by more than 3.0 points (class 10)."


def test_many_looks_are_asked_strictly() -> None:
    (asked,) = [one for one in checks(every_check(), EN, named) if one.title == "Surely enough better"]
    assert asked.words == "Better in 90.0% of the draws; 95.0% are asked."


def test_a_reason_without_numbers_keeps_the_gates_own_words() -> None:
    old = {"reasons": ["it is late", "passed golden answers: repeated", "FAILED tides: too high"]}
    found = checks(old, FR, named)
    assert [(one.title, one.passed, one.words) for one in found] == [
        ("tides", False, "too high"),
        ("Réponses de référence", True, "repeated"),
        ("", None, "it is late"),
    ]


@pytest.mark.parametrize("golden", [True, False])
@pytest.mark.parametrize("judge", [lambda evidence: decide(evidence, GatePolicy()), accompany])
def test_what_the_gate_tells_of_a_model_that_was_compared_with_none_is_in_the_pages_words(
    golden: bool, judge: Callable[[Evidence], GateDecision]
) -> None:
    evidence = Evidence(golden, None)
    told = report(evidence, GatePolicy(), judge(evidence))
    (last,) = [one for one in checks(told, FR, named) if one.passed is None]
    assert last.words not in told["reasons"]


@pytest.mark.parametrize(("share", "written"), [(0.013, "+1.3"), (-0.05, "−5.0"), (0.0004, "0.0"), (-0.0001, "0.0")])
def test_points_have_a_sign_unless_they_are_nothing(share: float, written: str) -> None:
    assert points(share, EN) == written


# --- side by side -----------------------------------------------------------------------------------------------------


def figures(version: str, right: int, latency_s: float) -> FiguresRead:
    scores = {"weighted_f1": right / 10, "weighted_f1.low": right / 10 - 0.1, "weighted_f1.high": right / 10 + 0.05}
    scores["calibration_error"] = 0.2 - right / 100
    table = [[right, 10 - right, 0], [0, 10, 0], [0, 0, 0]]
    return FiguresRead(version=version, scores=scores, latency_s=latency_s, confusion=table)


def found(*, champion: bool = True) -> EvaluationRead:
    old = ScoreRead(f1=0.9, low=0.8, high=1.0)
    classes = [
        ClassRead(
            prdtypecode=code,
            support=support,
            challenger=ScoreRead(f1=f1, low=f1 - 0.1, high=f1 + 0.1),
            champion=old if champion else None,
        )
        for code, support, f1 in ((10, 10, 0.85), (40, 10, 0.5), (60, 0, 0.9))
    ]
    return EvaluationRead(
        manifest=1,
        rows=20,
        challenger=figures("new", 8, 0.02),
        champion=figures("old", 6, 0.01) if champion else None,
        difference=DifferenceRead(observed=0.2, low=-0.1, high=0.5, improves=0.9) if champion else None,
        classes=classes,
        parts=[],
        changes={},
        examples=[],
    )


def test_a_measure_that_is_better_lower_is_so_called() -> None:
    made = {one.name: one for one in comparison.measures(found())}
    assert made["weighted_f1"].is_better is True
    assert made["calibration_error"].is_better is True
    assert (made["latency"].is_better, made["latency"].change) == (False, pytest.approx(0.01))
    assert made["macro_f1"].challenger is None


def test_without_a_champion_nothing_is_compared() -> None:
    alone = found(champion=False)
    assert all(one.change is None and one.is_better is None for one in comparison.measures(alone))
    assert comparison.gap(alone) is None
    spread = comparison.spread(alone)
    assert spread is not None
    assert spread.champion is None


def test_both_intervals_are_drawn_on_one_scale() -> None:
    spread = comparison.spread(found())
    assert spread is not None
    assert spread.champion is not None
    assert (spread.champion.low, spread.challenger.high) == (15.0, 85.0)
    assert spread.champion.point < spread.challenger.point


def test_zero_is_in_the_drawing_of_a_difference() -> None:
    gap = comparison.gap(found())
    assert gap is not None
    assert gap.whisker.low < gap.zero < gap.whisker.point < gap.whisker.high


def test_categories_that_change_most_come_first_and_fill_their_bar() -> None:
    rows = comparison.class_rows(found(), {})
    assert [(row.code, row.bar) for row in rows] == [(40, -50.0), (10, -6.25), (60, 0.0)]


def test_a_judgement_without_figures_still_tells_the_change_of_categories() -> None:
    first, *others = comparison.class_rows(None, gate_report("grey"))
    assert (first.code, first.change, first.interval) == (10, pytest.approx(0.1), None)
    assert len(others) == 2
    assert comparison.class_rows(None, {}) == []


# --- confusions -------------------------------------------------------------------------------------------------------


def test_a_heat_map_is_in_per_cent_of_its_row() -> None:
    heat = heat_map(found(), Shown.CHALLENGER)
    assert heat is not None
    assert heat.codes == [10, 40]  # nothing is 60 and nothing is taken for it
    assert [[cell.share for cell in row.cells] for row in heat.rows] == [[80, 20], [None, 100]]
    assert [[cell.kind for cell in row.cells] for row in heat.rows] == [["heat-8", "heat-2"], ["heat-0", "heat-10"]]


def test_more_right_answers_and_fewer_wrong_ones_are_better() -> None:
    heat = heat_map(found(), Shown.DIFFERENCE)
    assert heat is not None
    assert [(cell.share, cell.kind) for cell in heat.rows[0].cells] == [
        (pytest.approx(20), "better strong"),
        (pytest.approx(-20), "better strong"),
    ]
    assert [cell.share for cell in heat.rows[1].cells] == [None, None]


def test_a_champion_that_is_not_there_has_no_heat_map() -> None:
    alone = found(champion=False)
    assert heat_map(alone, Shown.CHAMPION) is None
    shown = heat_map(alone, Shown.CHALLENGER)
    assert shown is not None
    assert shown.choices == [Shown.CHALLENGER]


# --- links ------------------------------------------------------------------------------------------------------------


def test_links_are_made_of_the_addresses_that_people_reach() -> None:
    settings = ServingSettings(mlflow_page="http://ml.example/", airflow_page="https://air.example/flow")
    assert links_of(settings, "run 9", question=question_of("a" * 64, 7)) == [
        ("models.mlflow", "http://ml.example/#/runs/run%209"),
        ("models.airflow_question", f"https://air.example/flow/dags/deploy/runs/grey-{'a' * 12}-7"),
    ]
    assert retraining_link(settings, "manual__2026-11-22T04:00:00+00:00") == [
        ("models.airflow_run", "https://air.example/flow/dags/retrain/runs/manual__2026-11-22T04%3A00%3A00%2B00%3A00")
    ]


def test_without_addresses_there_are_no_links() -> None:
    assert links_of(ServingSettings(), "run", question="grey") == []
    assert retraining_link(ServingSettings(), "run") == []


@pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://ml", "http://", "http://ml?x=1", "http://a b"])
def test_an_address_of_a_page_is_one(address: str) -> None:
    with pytest.raises(ValueError, match="mlflow_page"):
        ServingSettings(mlflow_page=address)
