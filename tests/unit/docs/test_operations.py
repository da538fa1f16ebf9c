"""The operations guide knows every alert and every DAG, and every page that it sends people to."""

import re

import yaml

from tests.conftest import ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
INCIDENTS = GUIDE.split("## Incidents")[1].split("\n## ")[0]
ROWS = [line.strip("|").split(" | ") for line in INCIDENTS.splitlines() if line.startswith("|")][2:]


def test_every_alert_has_its_row() -> None:
    rules = [
        yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "docker" / "prometheus" / "rules").glob("*.yml")
    ]
    alerts = {rule["alert"] for file in rules for group in file["groups"] for rule in group["rules"] if "alert" in rule}
    assert alerts
    assert {alert for alert in alerts if not any(f"`{alert}`" in row[0] for row in ROWS)} == set()


def test_every_dag_has_its_row() -> None:
    files = [
        path for path in (ROOT / "dags").glob("*.py") if re.search(r"^@dag\(", path.read_text("utf-8"), re.MULTILINE)
    ]
    dags = {path.stem for path in files}
    assert {"retrain", "reconcile"} <= dags
    assert {dag for dag in dags if not any(f"DAG `{dag}`" in row[0] for row in ROWS)} == set()


def test_every_row_says_what_to_do_and_where_to_read_on() -> None:
    assert [row[0] for row in ROWS if len(row) != 4 or not row[2].strip() or ".md" not in row[3]] == []


def test_no_row_is_about_something_that_is_not_there() -> None:
    rules = "".join(path.read_text("utf-8") for path in (ROOT / "docker" / "prometheus" / "rules").glob("*.yml"))
    named = {name for row in ROWS for name in re.findall(r"`(Etalon\w+)`", row[0])}
    assert {name for name in named if f"alert: {name}\n" not in rules} == set()
    dags = {name for row in ROWS for name in re.findall(r"DAG `(\w+)`", row[0])}
    assert {name for name in dags if not (ROOT / "dags" / f"{name}.py").exists()} == set()
