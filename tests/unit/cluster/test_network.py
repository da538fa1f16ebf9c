"""Who may talk to whom in the cluster: nobody, but for the pairs that work needs, and those from both ends."""

import pytest

from tests.unit.cluster.manifests import (
    ENVIRONMENTS,
    Document,
    airflow_pods,
    everything,
    needs_kubectl,
    of_kind,
    pods,
)

pytestmark = [needs_kubectl, pytest.mark.parametrize("environment", ENVIRONMENTS)]

WANTED = (
    ("api", "airflow-api-server", 8080),
    ("airflow-scheduler", "api", 8000),
    ("airflow-scheduler", "mlflow", 5000),
    *((f"airflow-{part}", "airflow-api-server", 8080) for part in ("scheduler", "dag-processor", "triggerer")),
)
NOT_WANTED = (
    ("api", "mlflow", 5000),
    ("migration", "api", 8000),
    ("mlflow", "api", 8000),
    ("mlflow", "airflow-api-server", 8080),
    ("airflow-triggerer", "mlflow", 5000),
    ("api", "api", 9464),
)


def labels_of(environment: str) -> dict[str, dict[str, str]]:
    found = {name: template["metadata"]["labels"] for name, template in pods(everything(environment)).items()}
    return found | airflow_pods()


def policies_of(environment: str, labels: dict[str, str]) -> list[Document]:
    """The policies that select a pod."""
    return [
        policy["spec"]
        for policy in of_kind(everything(environment), "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels)
    ]


def selects(selector: Document, labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items()


def may(rules: list[Document], side: str, other: dict[str, str], port: int) -> bool:
    """Whether a rule names the pod at the other end, in the same namespace, and the port."""
    return any(
        any("podSelector" in peer and selects(peer["podSelector"], other) for peer in rule.get(side, []))
        and port in [one["port"] for one in rule.get("ports", [])]
        for rule in rules
    )


def is_let_through(environment: str, source: str, target: str, port: int) -> bool:
    labels = labels_of(environment)
    out = [rule for policy in policies_of(environment, labels[source]) for rule in policy.get("egress", [])]
    into = [rule for policy in policies_of(environment, labels[target]) for rule in policy.get("ingress", [])]
    return may(out, "to", labels[target], port) and may(into, "from", labels[source], port)


def ports_out(environment: str, name: str) -> set[int]:
    policies = policies_of(environment, labels_of(environment)[name])
    return {port["port"] for policy in policies for rule in policy.get("egress", []) for port in rule["ports"]}


def test_nobody_may_do_what_nobody_said(environment: str) -> None:
    (nobody,) = [
        one for one in of_kind(everything(environment), "NetworkPolicy") if one["metadata"]["name"] == "nobody"
    ]
    assert nobody["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_every_pod_has_a_policy_of_its_own(environment: str) -> None:
    for labels in labels_of(environment).values():
        assert [policy for policy in policies_of(environment, labels) if policy["podSelector"]]


@pytest.mark.parametrize(("source", "target", "port"), WANTED)
def test_who_works_with_another_reaches_it(environment: str, source: str, target: str, port: int) -> None:
    assert is_let_through(environment, source, target, port)


@pytest.mark.parametrize(("source", "target", "port"), NOT_WANTED)
def test_who_does_not_is_kept_away(environment: str, source: str, target: str, port: int) -> None:
    assert not is_let_through(environment, source, target, port)


@pytest.mark.parametrize("name", ["api", "migration", "airflow-scheduler"])
def test_the_staging_database_is_reached_by_those_who_use_it(environment: str, name: str) -> None:
    assert 3306 in ports_out(environment, name)


@pytest.mark.parametrize("name", ["mlflow", "airflow-api-server", "airflow-triggerer", "airflow-dag-processor"])
def test_and_by_nobody_else(environment: str, name: str) -> None:
    assert 3306 not in ports_out(environment, name)


@pytest.mark.parametrize("name", ["mlflow", "airflow-accounts", *airflow_pods()])
def test_the_other_database_too(environment: str, name: str) -> None:
    assert 5432 in ports_out(environment, name)


def test_only_tasks_and_who_tells_people_reach_the_outside(environment: str) -> None:
    outside = {name for name in labels_of(environment) if 443 in ports_out(environment, name)}
    assert outside == {"airflow-scheduler", "airflow-dag-processor"}


def test_figures_are_read_by_the_monitoring_namespace_alone(environment: str) -> None:
    into = [
        rule
        for policy in policies_of(environment, labels_of(environment)["api"])
        for rule in policy.get("ingress", [])
        if 9464 in [port["port"] for port in rule["ports"]]
    ]
    (rule,) = into
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
