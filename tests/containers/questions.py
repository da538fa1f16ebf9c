"""What the running system is asked, once every part says that it is well."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.containers.running import Host

API, AIRFLOW, METRICS = "http://127.0.0.1:8000", "http://127.0.0.1:8080", "http://127.0.0.1:9464"
_RUN_S = 600.0


def ask(host: Host) -> Iterator[str]:
    """Ask everything; a sentence for each answer that was right.

    Raises:
        AssertionError: an answer was wrong.
    """
    for question in (_rights, _writing, _prediction, _figures, _accounts, _a_run, _imports):
        yield from question(host)


def _secret(host: Host, name: str) -> str:
    return (host.volume("secrets-all") / name).read_text(encoding="utf-8")


def _rights(host: Host) -> Iterator[str]:
    for name in host.cells:
        if name in host.running:
            lines = Path(f"/proc/{host.running[name].pid}/status").read_text(encoding="utf-8").splitlines()
            status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
            assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}, (name, status["Uid"])
            assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0, name
            assert status["NoNewPrivs"] == "1", name
    yield "every process of ours is user 10001, without capabilities and without a way to get any"


def _writing(host: Host) -> Iterator[str]:
    for name in ("api", "mlflow", "airflow-scheduler"):
        for place in ("/app/x", "/opt/venv/x", "/etc/x", "/usr/x"):
            told = host.cells[name].run(["touch", place]).stderr
            assert "Read-only file system" in told, (name, place, told)
    for name, secret in (("api", "/secrets/api/x"), ("airflow-scheduler", "/secrets/jobs/x")):
        assert "Read-only" in host.cells[name].run(["touch", secret]).stderr, (name, secret)
    yield "their files and secrets cannot be written"


def _prediction(host: Host) -> Iterator[str]:
    with httpx.Client(base_url=API, timeout=30) as http:
        form = {"username": "customer", "password": _secret(host, "customer.password")}
        signed = {"Authorization": f"Bearer {http.post('/token', data=form).raise_for_status().json()['access_token']}"}
        answer = http.post("/predict", data={"designation": "Piscine gonflable"}, headers=signed).raise_for_status()
        assert answer.status_code == 201
        _until(lambda: http.get("/readyz").json()["reports"]["scheduler"] == "healthy", "the service's look at Airflow")
        ready = http.get("/readyz").raise_for_status().json()
    yield f"the service predicts: {answer.json()['prdtypecode']}, epoch {ready['epoch']}, and sees the scheduler"


def _figures(host: Host) -> Iterator[str]:
    text = httpx.get(f"{METRICS}/metrics").raise_for_status().text
    yield f"the service shows {sum(not line.startswith('#') for line in text.splitlines())} figures"
    assert httpx.get("http://127.0.0.1:5000/", headers={"Host": "elsewhere.example"}).status_code == 403
    found = httpx.get("http://127.0.0.1:5000/api/2.0/mlflow/registered-models/get", params={"name": "fusion"})
    yield f"MLflow knows the champion's model ({found.raise_for_status().json()['registered_model']['name']})"


def _accounts(host: Host) -> Iterator[str]:
    with httpx.Client(base_url=AIRFLOW, timeout=30) as http:
        wrong = http.post("/auth/token", json={"username": "admin", "password": "admin"})
        assert wrong.status_code == 401, wrong.text
        waker = _sign_in(http, host, "etalon")
        assets = http.get("/api/v2/assets", params={"name_pattern": "validated_rows"}, headers=waker).raise_for_status()
        event = {"asset_id": assets.json()["assets"][0]["id"], "extra": {"rows": 1}}
        http.post("/api/v2/assets/events", json=event, headers=waker).raise_for_status()
        refused = http.post("/api/v2/dags/reconcile/dagRuns", json={"logical_date": None}, headers=waker)
        assert refused.status_code == 403, refused.text
        assert http.get("/api/v2/connections", headers=waker).status_code == 403
    yield "Airflow: the service's account announces rows and may start or see nothing else; admin/admin is refused"


def _a_run(host: Host) -> Iterator[str]:
    started = time.monotonic()
    with httpx.Client(base_url=AIRFLOW, timeout=30) as http:
        admin = _sign_in(http, host, "admin")
        errors = http.get("/api/v2/importErrors", headers=admin).raise_for_status().json()
        assert errors["total_entries"] == 0, errors
        begun = http.post("/api/v2/dags/reconcile/dagRuns", json={"logical_date": None}, headers=admin)
        run_id = begun.raise_for_status().json()["dag_run_id"]

        def state() -> str:
            return str(http.get(f"/api/v2/dags/reconcile/dagRuns/{run_id}", headers=admin).json()["state"])

        _until(lambda: state() in ("success", "failed"), "the run of reconcile")
        tasks = http.get(f"/api/v2/dags/reconcile/dagRuns/{run_id}/taskInstances", headers=admin).json()
        told = {task["task_id"]: task["state"] for task in tasks["task_instances"]}
        assert state() == "success", told
        log = http.get(f"/api/v2/dags/reconcile/dagRuns/{run_id}/taskInstances/check/logs/1", headers=admin)
        assert "violations" in log.raise_for_status().text
    yield f"Airflow ran reconcile in {time.monotonic() - started:.0f} s ({told}); its API server shows the task's log"


def _imports(host: Host) -> Iterator[str]:
    """Every module of ours that an image holds finds what it imports there."""
    for name, packages in (
        ("api", "core api client"),
        ("airflow-scheduler", "core preprocessing inference training client"),
    ):
        done = host.cells[name].run(["python", "-c", _IMPORT_ALL, *packages.split()], timeout_s=600)
        assert done.returncode == 0, done.stderr[-2000:]
        yield f"the image of {name} imports {done.stdout.split()[-1]} modules of ours"


_IMPORT_ALL = """
import importlib, pkgutil, sys
names = [found.name for root in sys.argv[1:]
         for found in pkgutil.walk_packages(importlib.import_module(root).__path__, root + ".")
         if not found.name.endswith("__main__") and ".migrations" not in found.name]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def _sign_in(http: httpx.Client, host: Host, username: str) -> dict[str, str]:
    account = {"username": username, "password": _secret(host, f"airflow-{username}.password")}
    return {
        "Authorization": f"Bearer {http.post('/auth/token', json=account).raise_for_status().json()['access_token']}"
    }


def _until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _RUN_S
    while not is_so():
        assert time.monotonic() < deadline, f"{what} took longer than {_RUN_S:.0f} s"
        time.sleep(1)
