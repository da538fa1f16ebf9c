"""`service_check` executed by Airflow, with a stand-in where the job would be."""

from collections.abc import Callable

import pytest

from tests.dags.runs import Runs

SCENARIOS = ["everything", "elsewhere"]
URLS = "https://etalon.example.org, https://pre.example.org"


@pytest.fixture(scope="module")
def runs(in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs("service_check", SCENARIOS, in_airflow, tmp_path_factory.mktemp("check"), LOOP_CHECK_URL=URLS)


def test_the_first_address_is_checked_every_hour(runs: Runs) -> None:
    assert runs.tasks("everything") == {"check": "success"}
    assert runs.calls("everything") == ["-m client check --url https://etalon.example.org"]


def test_a_run_by_hand_may_check_another_one(runs: Runs) -> None:
    assert runs.calls("elsewhere") == ["-m client check --url https://pre.example.org"]


def test_an_address_that_is_not_configured_is_not_told_the_passwords(
    in_airflow: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stranger")
    with pytest.raises(AssertionError, match=r"ParamValidationError.*https://pre\.example\.org"):
        Runs("service_check", ["elsewhere"], in_airflow, folder, LOOP_CHECK_URL="https://etalon.example.org")
