"""What each folder may hold, and who is told when one holds more."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from core.retention.__main__ import main
from core.settings import RetentionSettings


def test_budgets_are_read_in_gibibytes_by_folder() -> None:
    assert RetentionSettings(budgets_gib="features=2, runs=0.5").budgets == {"features": 2**31, "runs": 2**29}


@pytest.mark.parametrize("text", ["features", "features=", "=3", "features=none", "features=0", "../up=3"])
def test_a_budget_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        RetentionSettings(budgets_gib=text)


def test_a_rollback_and_a_person_s_decision_are_outlasted_by_any_policy() -> None:
    for shorter in ({"epochs": 1}, {"days": 7}):
        with pytest.raises(ValidationError):
            RetentionSettings(**shorter)


@pytest.mark.parametrize(("budget", "status"), [("0.000001", 0), ("1", 99)])
def test_the_command_tells_what_exceeds_its_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], budget: str, status: int
) -> None:
    (tmp_path / "features" / "deep").mkdir(parents=True)
    (tmp_path / "features" / "deep" / "rows.npy").write_bytes(b"x" * 2000)
    monkeypatch.setenv("STORE_ROOT", str(tmp_path))
    monkeypatch.setenv("STORE_KEEP_BUDGETS_GIB", f"features={budget}")
    assert main([]) == status
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["held"] == {"features": 2000}
    assert list(told["over_budget"]) == (["features"] if status == 0 else [])
    assert told["told"] == ("features 0.0 of 0.0 GiB" if status == 0 else "")
