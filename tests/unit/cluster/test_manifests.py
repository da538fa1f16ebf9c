"""The cluster's manifests: valid, restricted, complete in what they refer to, and patient when a pod ends."""

import re
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from api.server import _FINISH_S
from tests.conftest import ROOT
from tests.unit.cluster.manifests import (
    ENVIRONMENTS,
    FOLDER,
    Document,
    chart_values,
    everything,
    needs_kubectl,
    of_kind,
    pods,
    rendered,
    written,
)

OLDEST, *_ = VERSIONS = ("1.31", "1.37")
BELONGS_TO_KUSTOMIZE_OR_OTHERS = ("Kustomization", "Component")
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def settings_of(environment: str) -> dict[str, str]:
    """What the services' ConfigMap says."""
    (config,) = of_kind(everything(environment), "ConfigMap")
    return config["data"]


def api_of(environment: str) -> Document:
    return pods(everything(environment))["api"]["spec"]


def test_every_document_is_what_kubernetes_understands() -> None:
    found = 0
    for _, document in written():
        if document.get("kind", "Component") not in BELONGS_TO_KUSTOMIZE_OR_OTHERS:
            kubernetes_validate.validate(document, OLDEST, strict=True)
            found += 1
    assert found > 20


@needs_kubectl
@each_environment
@pytest.mark.parametrize("version", VERSIONS)
def test_every_rendered_document_is_what_kubernetes_understands(environment: str, version: str) -> None:
    for document in everything(environment):
        kubernetes_validate.validate(document, version, strict=True)


@needs_kubectl
@each_environment
def test_everything_is_in_the_environments_namespace(environment: str) -> None:
    for document in everything(environment):
        metadata = document["metadata"]
        place = metadata["name"] if document["kind"] == "Namespace" else metadata["namespace"]
        assert place == f"etalon-{environment}"


@needs_kubectl
@each_environment
def test_the_namespace_admits_restricted_pods_only(environment: str) -> None:
    (namespace,) = of_kind(everything(environment), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def is_restricted(pod: Document, container: Document) -> bool:
    """Whether the fields that the level "restricted" asks for are there, and a root that cannot be written."""
    mine = {**pod, **container}
    return (
        mine.get("runAsNonRoot") is True
        and mine.get("runAsUser", 0) > 0
        and mine.get("seccompProfile") == {"type": "RuntimeDefault"}
        and container.get("allowPrivilegeEscalation") is False
        and container.get("capabilities") == {"drop": ["ALL"]}
        and container.get("readOnlyRootFilesystem") is True
    )


@needs_kubectl
@each_environment
def test_every_pod_keeps_to_the_restricted_level(environment: str) -> None:
    found = pods(everything(environment))
    assert set(found) == {"api", "mlflow", "migration", "accounts", "airflow-accounts"}
    for template in found.values():
        spec = template["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert spec["automountServiceAccountToken"] is False
        for container in spec["containers"]:
            assert is_restricted(spec["securityContext"], container["securityContext"])
        kinds = {kind for volume in spec["volumes"] for kind in volume if kind != "name"}
        assert kinds <= {"emptyDir", "secret", "persistentVolumeClaim", "configMap", "projected"}


@each_environment
def test_airflows_pods_keep_to_it_too(environment: str) -> None:
    values = chart_values(environment)
    assert is_restricted(values["securityContexts"]["pod"], values["securityContexts"]["containers"])


@needs_kubectl
@each_environment
def test_every_container_says_what_it_needs_and_what_it_may_take(environment: str) -> None:
    for template in pods(everything(environment)).values():
        for container in template["spec"]["containers"]:
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys()
            assert {"cpu", "memory"} <= resources["limits"].keys()


@needs_kubectl
@each_environment
def test_every_image_has_a_version(environment: str) -> None:
    images = [one["image"] for pod in pods(everything(environment)).values() for one in pod["spec"]["containers"]]
    airflow = chart_values(environment)["images"]["airflow"]
    for image in [*images, f"{airflow['repository']}:{airflow['tag']}"]:
        assert re.search(r"[^/]:[\w.-]+$", image)
        assert not image.endswith(":latest")
    assert len({image.rpartition(":")[2] for image in [*images, f":{airflow['tag']}"]}) == 1, "one release at a time"


@needs_kubectl
@each_environment
def test_whatever_a_pod_refers_to_is_made_here(environment: str) -> None:
    documents = everything(environment)
    here = {(document["kind"], document["metadata"]["name"]) for document in documents}
    for template in pods(documents).values():
        spec = template["spec"]
        for container in spec["containers"]:
            for source in container.get("envFrom", []):
                assert ("ConfigMap", source["configMapRef"]["name"]) in here
            assert {mount["name"] for mount in container["volumeMounts"]} <= {
                volume["name"] for volume in spec["volumes"]
            }
        for volume in spec["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                assert ("PersistentVolumeClaim", claim["claimName"]) in here
        if account := spec.get("serviceAccountName"):
            assert ("ServiceAccount", account) in here


@needs_kubectl
@each_environment
def test_airflows_values_refer_to_claims_that_are_made_here(environment: str) -> None:
    here = {document["metadata"]["name"] for document in of_kind(everything(environment), "PersistentVolumeClaim")}
    values = chart_values(environment)
    named = {
        volume["persistentVolumeClaim"]["claimName"]
        for volume in values["scheduler"]["extraVolumes"]
        if "persistentVolumeClaim" in volume
    }
    assert named | {values["logs"]["persistence"]["existingClaim"]} <= here


def secrets_named(environment: str) -> dict[str, set[str]]:
    """Secret → keys that a pod, or Airflow's chart, takes out of it."""
    named: dict[str, set[str]] = {}
    specs = [(pod["spec"]["volumes"], pod["spec"]["containers"]) for pod in pods(everything(environment)).values()]
    values = chart_values(environment)
    scheduler = values["scheduler"]
    specs.append(
        (scheduler["extraVolumes"], [{"env": scheduler["env"], "volumeMounts": scheduler["extraVolumeMounts"]}])
    )
    for volumes, containers in specs:
        folders = {one["name"]: one["secret"]["secretName"] for one in volumes if "secret" in one}
        for container in containers:
            places = {
                mount["mountPath"]: folders[mount["name"]]
                for mount in container["volumeMounts"]
                if mount["name"] in folders
            }
            for variable in container["env"]:
                folder, _, key = str(variable.get("value", "")).rpartition("/")
                if folder in places:
                    named.setdefault(places[folder], set()).add(key)
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    named.setdefault(reference["name"], set()).add(reference["key"])
    script = (ROOT / "docker" / "api" / "accounts.py").read_text(encoding="utf-8")
    named["etalon-accounts"] = {f"{name}.password" for name in re.findall(r'^    "([a-z-]+)": ', script, re.MULTILINE)}
    named["airflow-accounts"] = {"airflow-admin.password", "airflow-etalon.password"}
    named.setdefault("airflow-metadata", set()).add("connection")
    named.setdefault("airflow-keys", set()).update({"fernet-key", "api-secret-key", "jwt-secret"})
    return named


@needs_kubectl
@each_environment
def test_the_guide_makes_every_secret_that_is_referred_to(environment: str) -> None:
    guide = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8").replace("\\\n", " ")
    made = {
        line.split("generic ")[1].split()[0]: line for line in guide.splitlines() if "create secret generic " in line
    }
    for secret, keys in secrets_named(environment).items():
        assert secret in made
        assert [key for key in keys if f"={key}=" not in made[secret].replace(" ", "=")] == []


def test_no_value_of_a_secret_is_committed() -> None:
    for path, document in written():
        assert document.get("kind") != "Secret", path
        assert "secretGenerator" not in document, path
    text = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.yaml"))
    assert not re.search(r"://[^/\s:]+:[^/\s@]+@", text)


@needs_kubectl
@each_environment
def test_every_setting_is_one_of_ours(environment: str) -> None:
    known = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(settings_of(environment))
    for container in [*api_of(environment)["containers"], {"env": chart_values(environment)["scheduler"]["env"]}]:
        named |= {variable["name"].removesuffix("_FILE") for variable in container["env"]}
    foreign = ("MLFLOW_", "AIRFLOW", "JOBS_PYTHON")
    assert {name for name in named if not name.startswith(foreign)} <= known


# --- how a pod starts and ends ----------------------------------------------------------------------------------------


@needs_kubectl
@each_environment
def test_the_service_is_asked_by_the_three_probes_that_it_answers(environment: str) -> None:
    (container,) = api_of(environment)["containers"]
    paths = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert paths == {"startupProbe": "/startupz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    settings = settings_of(environment)
    assert ports == {"http": int(settings["SERVING_PORT"]), "metrics": int(settings["SERVING_METRICS_PORT"])}


@needs_kubectl
@each_environment
def test_a_pod_that_ends_is_given_longer_than_whatever_it_let_in_may_take(environment: str) -> None:
    spec, settings = api_of(environment), settings_of(environment)
    grace, deadline = float(settings["SERVING_DRAIN_GRACE_S"]), float(settings["SERVING_REQUEST_DEADLINE_S"])
    head_start = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert deadline <= _FINISH_S, "a request may take longer than the end of the service waits"
    assert spec["terminationGracePeriodSeconds"] >= head_start + grace + 25
    readiness = spec["containers"][0]["readinessProbe"]
    assert head_start + grace >= readiness["periodSeconds"] * readiness["failureThreshold"]


@needs_kubectl
@each_environment
def test_the_service_uses_no_more_cores_than_it_may(environment: str) -> None:
    cores = int(api_of(environment)["containers"][0]["resources"]["limits"]["cpu"])
    settings = settings_of(environment)
    assert int(settings["SERVING_INFERENCE_THREADS"]) == cores
    assert int(settings["SERVING_MAX_IN_FLIGHT"]) == cores + 1


@needs_kubectl
@each_environment
def test_there_are_two_replicas_at_least_and_one_may_be_missing_at_most(environment: str) -> None:
    documents = everything(environment)
    (scaler,) = of_kind(documents, "HorizontalPodAutoscaler")
    (budget,) = of_kind(documents, "PodDisruptionBudget")
    (service,) = [one for one in of_kind(documents, "Deployment") if one["metadata"]["name"] == "api"]
    assert scaler["spec"]["minReplicas"] >= 2
    assert scaler["spec"]["scaleTargetRef"]["name"] == "api"
    assert "replicas" not in service["spec"], "it would undo what the autoscaler decided"
    assert budget["spec"]["maxUnavailable"] == 1
    assert service["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    spread = service["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    labels = service["spec"]["template"]["metadata"]["labels"]
    for selector in (budget["spec"]["selector"], *(one["labelSelector"] for one in spread)):
        assert selector["matchLabels"].items() <= labels.items()


def amount(text: str) -> float:
    """Cores or bytes."""
    units = {"m": 1e-3, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
    number, unit = re.fullmatch(r"(\d+)([a-zA-Z]*)", str(text)).groups()
    return float(number) * units.get(unit, 1.0)


@needs_kubectl
@each_environment
@pytest.mark.parametrize("bound", ["requests", "limits"])
@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_the_namespaces_quota_holds_everything_at_its_largest(environment: str, bound: str, what: str) -> None:
    documents, values = everything(environment), chart_values(environment)
    (scaler,) = of_kind(documents, "HorizontalPodAutoscaler")
    (quota,) = of_kind(documents, "ResourceQuota")
    needed = 0.0
    for name, template in pods(documents).items():
        replicas = scaler["spec"]["maxReplicas"] + 1 if name == "api" else 1  # one more while it is rolled out
        needed += replicas * amount(template["spec"]["containers"][0]["resources"][bound][what])
    for part in ("apiServer", "scheduler", "dagProcessor", "triggerer"):
        needed += values[part].get("replicas", 1) * amount(values[part]["resources"][bound][what])
    assert needed <= amount(quota["spec"]["hard"][f"{bound}.{what}"])


@needs_kubectl
@each_environment
def test_the_migration_is_run_by_one(environment: str) -> None:
    (job,) = of_kind(list(rendered(environment, "migration")), "Job")
    assert job["spec"]["parallelism"] == job["spec"]["completions"] == 1
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python", "-m", "core.db", "migrate"]
    service = api_of(environment)["containers"][0]
    assert container["image"] == service["image"]
    mounted = {volume.get("secret", {}).get("secretName") for volume in api_of(environment)["volumes"]}
    assert "etalon-database-owner" not in mounted, "only the migration may change the schema"


@needs_kubectl
@each_environment
def test_the_scripts_that_jobs_run_are_in_their_images(environment: str) -> None:
    for name in ("accounts", "airflow-accounts"):
        (container,) = pods(everything(environment))[name]["spec"]["containers"]
        _, script, folder = container["command"]
        image = container["image"].partition(":")[0].rpartition("/etalon-")[2]
        assert (ROOT / script).parent == ROOT / "docker" / image
        assert {mount["mountPath"] for mount in container["volumeMounts"]} >= {folder}


@needs_kubectl
@each_environment
def test_store_and_logs_are_shared_by_many_nodes(environment: str) -> None:
    modes = {
        document["metadata"]["name"]: document["spec"]["accessModes"]
        for document in of_kind(everything(environment), "PersistentVolumeClaim")
    }
    assert modes["store"] == modes["airflow-logs"] == ["ReadWriteMany"]


@each_environment
def test_airflow_takes_its_accounts_from_a_database_and_makes_none_by_itself(environment: str) -> None:
    values = chart_values(environment)
    assert values["config"]["core"]["auth_manager"].endswith("FabAuthManager")
    assert values["createUserJob"]["enabled"] is False
    assert values["executor"] == "LocalExecutor"
    for part in ("postgresql", "redis", "pgbouncer", "statsd", "flower"):
        assert values[part] == {"enabled": False}
    version = re.search(r"^apache-airflow==([\d.]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M)
    assert values["airflowVersion"] == version.group(1)


def test_the_clusters_prometheus_finds_the_service_under_the_rules_name() -> None:
    scrape = yaml.safe_load((FOLDER / "prometheus-scrape.yaml").read_text(encoding="utf-8"))
    (job,) = scrape["scrape_configs"]
    rules = Path(ROOT / "docker/prometheus/rules/alerts.yml")
    text = (
        rules.read_text(encoding="utf-8")
        if rules.exists()
        else "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docker/prometheus/rules").glob("*.yml"))
    )
    assert f'up{{job="{job["job_name"]}"}}' in text
    assert job["kubernetes_sd_configs"][0]["namespaces"]["names"] == [f"etalon-{one}" for one in reversed(ENVIRONMENTS)]
