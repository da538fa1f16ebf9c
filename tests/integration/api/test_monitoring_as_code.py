"""Prometheus' rules and Grafana's panels: they hold, and they speak of figures that the service really tells."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api.metrics.listener import MetricsListener, figures_of_process
from core.db.repositories import quality, store_checks
from core.db.repositories.quality import Reading
from core.domain.watch import Finding, Watched
from tests.integration.api.toys import Service

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "docker" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "docker" / "grafana" / "dashboards").glob("*.json"))
NAME = re.compile(r"\b(?:[a-z]+:)?etalon_[a-z0-9_]+(?::[a-z0-9_]+)?\b")
SUFFIXES = ("_total", "_bucket", "_sum", "_count", "")

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed: apt-get install prometheus"
)


def rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in dashboard["panels"]:
            yield f"{dashboard['uid']}: {panel['title']}", panel


def asked() -> dict[str, str]:
    """Every expression by who asks it."""
    found = {rule.get("record") or rule["alert"]: rule["expr"] for rule in rules()}
    for path in DASHBOARDS:
        for note in json.loads(path.read_text(encoding="utf-8"))["annotations"]["list"]:
            found[f"{path.name}: {note['name']}"] = note["expr"]
    for title, panel in panels():
        found |= {f"{title} {target['refId']}": target["expr"] for target in panel["targets"]}
    return found


@pytest.fixture
def told(service: Service, customer: dict[str, str]) -> set[str]:
    """The names in a scrape of a service that has done a little of everything."""
    service.predict(customer)
    parts = service.app.state.parts
    with parts.sessions.begin() as session:
        store_checks.record(session, complete=True, manifest=1, broken=[])
        low = Reading(Watched.ACCURACY, None, 200, "1", 0.55, 0.7, Finding.ALARM, {}, low=0.48, high=0.62)
        quality.record(session, "monday", low)
    listener = MetricsListener(figures_of_process(parts.instruments, parts.readers), "127.0.0.1", 0)
    port = listener.start()
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics").text
    finally:
        listener.stop()
    families = list(text_string_to_metric_families(text))
    return {family.name + suffix for family in families for suffix in SUFFIXES}


def test_every_figure_that_a_rule_or_a_panel_names_is_told(told: set[str]) -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    named = {name: who for who, expression in asked().items() for name in NAME.findall(expression)}
    assert len(named) > 25
    assert {name: who for name, who in named.items() if name not in told | recorded} == {}


def test_every_recorded_figure_is_used() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for who, expression in asked().items() for name in NAME.findall(expression)}
    assert recorded - used == set()


def test_every_alert_says_what_is_wrong_and_which_page_tells_what_to_do() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    assert len(alerts) >= 10
    for alert in alerts:
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert {"summary", "description", "runbook"} <= alert["annotations"].keys()
        assert (ROOT / alert["annotations"]["runbook"]).is_file(), alert["alert"]


def test_every_alert_is_seen_to_fire_and_to_stay_silent() -> None:
    tests = yaml.safe_load((PROMETHEUS / "alerts_test.yml").read_text(encoding="utf-8"))["tests"]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    silent = {one["alertname"] for one in tests[0]["alert_rule_test"]}
    fired = set(
        re.findall(r'alertname="(\w+)"', json.dumps([one["promql_expr_test"] for one in tests[1:]]).replace("\\", ""))
    )
    assert silent == fired == alerts


def test_panels_have_a_title_a_description_and_their_own_place() -> None:
    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)
    for title, panel in panels():
        assert panel["description"], title
        assert panel["datasource"]["uid"] == "prometheus", title
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24, title


@promtool
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", *(str(path.relative_to(PROMETHEUS)) for path in RULES)),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_promtool_finds_no_fault(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
