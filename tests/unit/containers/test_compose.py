"""The compose file: what it may ask of an engine, and what it must not allow its containers."""

import itertools
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.containers.compose import FILE, Service, read_compose, variables
from tests.containers.dockerfile import read_dockerfile

WHOLE, SERVICES = read_compose()
OURS = re.compile(r"(DB|STORE|SERVING|MODEL|TRAIN|AUTH|DRIVE|GATE|LOOP)_\w+")
services = pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
staying = pytest.mark.parametrize(
    "service", [one for one in SERVICES.values() if not one.is_once], ids=lambda service: service.name
)


def _example(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_file_follows_the_compose_specification() -> None:
    tool = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@services
def test_nobody_is_root(service: Service) -> None:
    user, group = service.raw["user"].split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert all(int(group) > 0 for group in service.raw.get("group_add", []))


@services
def test_a_container_may_do_nothing_that_it_need_not(service: Service) -> None:
    assert service.raw["read_only"] is True
    assert service.raw["cap_drop"] == ["ALL"]
    assert "cap_add" not in service.raw
    assert "privileged" not in service.raw
    assert service.raw["security_opt"] == ["no-new-privileges:true"]
    assert not any("docker.sock" in mount.source for mount in service.mounts)


@services
def test_a_container_has_limits(service: Service) -> None:
    assert float(service.raw["cpus"]) <= 2
    assert re.fullmatch(r"\d+[mg]", service.raw["mem_limit"])
    assert 0 < service.raw["pids_limit"] <= 2048
    assert all("size=" in scratch for scratch in service.raw.get("tmpfs", []))
    assert service.raw["logging"]["options"]["max-size"]


@staying
def test_what_stays_is_started_again_and_asked_how_it_is(service: Service) -> None:
    assert service.raw["restart"] == "unless-stopped"
    assert service.check
    assert {"interval", "timeout", "retries", "start_period"} <= set(service.raw["healthcheck"])


@services
def test_everything_that_is_named_is_declared(service: Service) -> None:
    assert {mount.source for mount in service.mounts if mount.is_volume} <= set(WHOLE["volumes"])
    assert set(service.raw.get("networks", [])) <= set(WHOLE["networks"])
    assert set(service.needs) <= set(SERVICES)
    assert all((ROOT / mount.source).exists() for mount in service.mounts if not mount.is_volume)


def test_everything_that_is_declared_is_used() -> None:
    assert {mount.source for one in SERVICES.values() for mount in one.mounts if mount.is_volume} == set(
        WHOLE["volumes"]
    )
    assert {name for one in SERVICES.values() for name in one.raw.get("networks", [])} == set(WHOLE["networks"])


@services
def test_no_secret_stands_in_the_file(service: Service) -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY|FERNET|CREDENTIALS|SQL_ALCHEMY_CONN|WEBHOOK|DB_URL")
    held = {name: value for name, value in service.environment.items() if secret.search(name)}
    assert {name for name, value in held.items() if value and not re.match(r"(cat )?/secrets/", value)} == set()


@services
def test_every_secret_that_a_container_reads_is_mounted_there_for_reading_only(service: Service) -> None:
    if service.name == "secrets":
        return
    told = " ".join([*service.environment.values(), *map(str, service.raw.get("command", []))])
    read = set(re.findall(r"/secrets/([\w-]+)", told))
    if any(mount.source.endswith("etalon.cnf") for mount in service.mounts):
        read |= {"mysql"}
    mounted = {mount.target.removeprefix("/secrets/"): mount for mount in service.mounts if "/secrets/" in mount.target}
    assert set(mounted) - {"alerts"} == read  # where alerts go is said in .env, if at all
    assert all(mount.read_only and mount.source == f"secrets-{name}" for name, mount in mounted.items())


@services
def test_every_setting_of_ours_is_one(service: Service) -> None:
    named = {name.removesuffix("_FILE") for name in service.environment if OURS.fullmatch(name)}
    if service.dockerfile:
        own = read_dockerfile(service.dockerfile)[-1].environment()
        named |= {name for name in own if OURS.fullmatch(name)}
    assert named <= set(_example(".env.example"))


def test_every_variable_of_the_file_is_told_of_with_its_default() -> None:
    told = _example("docker/compose.env.example")
    assert told == variables() | {"PYTHON_IMAGE": told["PYTHON_IMAGE"]}
    assert variables()["PYTHON_IMAGE"] == told["PYTHON_IMAGE"]


def test_a_port_is_open_to_this_machine_only_until_somebody_says_otherwise() -> None:
    ports = [port for one in SERVICES.values() for port in one.raw.get("ports", [])]
    assert len(ports) >= 5
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert [name for name in ("mysql", "postgres") if "ports" in SERVICES[name].raw] == []


def test_only_who_needs_a_database_can_reach_it() -> None:
    def on(network: str) -> set[str]:
        return {name for name, one in SERVICES.items() if network in one.raw.get("networks", [])}

    assert on("database") == {
        *("mysql", "database-users", "migrate", "accounts", "api", "beginning", "airflow-scheduler", "backup"),
    }
    assert on("metadata") == {
        *("postgres", "airflow-migrate", "airflow-accounts"),
        *(f"airflow-{part}" for part in ("apiserver", "scheduler", "dagprocessor", "triggerer")),
    }
    assert {name for name, network in WHOLE["networks"].items() if not network.get("internal")} == {"front", "outside"}


def test_nobody_waits_in_a_circle_or_for_what_a_plain_start_leaves_out() -> None:
    done: set[str] = set()
    while len(done) < len(SERVICES):
        ready = {name for name, one in SERVICES.items() if set(one.needs) <= done}
        assert ready > done
        done = ready
    plain = {name for name, one in SERVICES.items() if "profiles" not in one.raw}
    assert set(itertools.chain.from_iterable(SERVICES[name].needs for name in plain)) <= plain


def test_what_ends_is_waited_for_to_the_end_and_what_stays_until_it_is_well() -> None:
    waited = {(need, wish) for one in SERVICES.values() for need, wish in one.needs.items()}
    kinds = {True: "service_completed_successfully", False: "service_healthy"}
    assert [(need, wish) for need, wish in waited if wish != kinds[SERVICES[need].is_once]] == []


def test_the_profiles_are_the_three_that_add_to_a_plain_start() -> None:
    assert {name for one in SERVICES.values() for name in one.raw.get("profiles", [])} == {"dev", "preprod", "prod"}


@services
def test_an_image_of_others_has_a_whole_version(service: Service) -> None:
    if service.dockerfile is None:
        assert re.fullmatch(r"[\w/]+:v?\d+(\.\d+)+(-\w+)?", service.raw["image"])


def test_the_images_have_the_projects_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert variables()["ETALON_VERSION"] == version[1]


def test_what_prometheus_scrapes_is_a_service_on_its_network() -> None:
    targets = re.findall(r"targets: \[(\S+):\d+\]", (ROOT / "docker/prometheus/prometheus.yml").read_text("utf-8"))
    inside = {name for name, one in SERVICES.items() if "monitoring" in one.raw.get("networks", [])}
    assert set(targets) - {"localhost"} <= inside


def test_grafana_finds_its_dashboards_and_prometheus_where_they_are_mounted() -> None:
    provisioning = ROOT / "docker/grafana/provisioning"
    folder = re.search(r"path: (\S+)", (provisioning / "dashboards/etalon.yml").read_text(encoding="utf-8"))
    assert folder is not None
    mounts = {mount.target: mount.source for mount in SERVICES["grafana"].mounts}
    assert mounts[folder[1]] == "./docker/grafana/dashboards"
    assert list((ROOT / mounts[folder[1]]).glob("*.json"))
    assert "http://prometheus:9090" in (provisioning / "datasources/prometheus.yml").read_text(encoding="utf-8")
