"""The environment of every process of one system: absolute paths, loopback addresses, files instead of secrets."""

import os
import shlex
import sys
from collections.abc import Mapping

from local.database import DatabaseChoice
from local.ports import Ports
from local.processes import MARK
from local.secrets import AIRFLOW_ADMIN, AIRFLOW_WAKER, CANARY, CANARY_REVIEWER, Secrets
from local.state import PROJECT, State

_FOREIGN = ("AIRFLOW", "_AIRFLOW", "DB_", "STORE_ROOT", "SERVING_", "AUTH_")  # would point at another system


def make_environment(state: State, ports: Ports, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the service, the jobs, Airflow and MLflow run with.

    Of ``base`` everything stays but the settings that decide where this system's data are: ``MODEL_*``,
    ``TRAIN_*``, ``GATE_*`` and ``LOOP_*`` of the caller reach every process unless this machine must set them.
    """
    kept = {name: value for name, value in base.items() if not name.startswith(_FOREIGN)}
    search = [str(PROJECT), *filter(None, [base.get("PYTHONPATH")])]
    general = {
        MARK: str(state.root),
        "SPT_NOENV": "1",  # Airflow renames its processes; without this the new name overwrites the mark
        "PYTHONPATH": os.pathsep.join(search),
        "PYTHONUNBUFFERED": "1",
    }
    return kept | general | _ours(state, ports, base) | _airflow(state, ports) | _mlflow(ports)


def _ours(state: State, ports: Ports, base: Mapping[str, str]) -> dict[str, str]:
    secrets = Secrets(state.secrets)
    return DatabaseChoice(state).environment() | {
        "STORE_ROOT": str(state.root),
        "SERVING_HOST": "127.0.0.1",
        "SERVING_PORT": str(ports.api),
        "SERVING_METRICS_HOST": "127.0.0.1",
        "SERVING_METRICS_PORT": str(ports.metrics),
        "SERVING_MLFLOW_PAGE": ports.mlflow_url,
        "SERVING_AIRFLOW_PAGE": ports.airflow_url,
        "AUTH_KEY_FILE": str(secrets.auth_key),
        "AUTH_REQUESTS_PER_MINUTE": "60000",  # one customer sends a whole catalogue here, as fast as it is answered
        "TRAIN_TRACKING_URI": ports.mlflow_url,
        "TRAIN_CONFIG": base.get("TRAIN_CONFIG", str(PROJECT / "training" / "config.toml")),
        "GATE_POLICY": base.get("GATE_POLICY", str(PROJECT / "mlflow" / "gate.toml")),
        "LOOP_AIRFLOW_URL": ports.airflow_url,
        "LOOP_AIRFLOW_USER": AIRFLOW_WAKER,
        "LOOP_AIRFLOW_PASSWORD_FILE": str(secrets.airflow_waker),
        "LOOP_CHECK_URL": ports.api_url,
        "LOOP_CHECK_CUSTOMER": CANARY,
        "LOOP_CHECK_CUSTOMER_PASSWORD_FILE": str(secrets.password_file(CANARY)),
        "LOOP_CHECK_REVIEWER": CANARY_REVIEWER,
        "LOOP_CHECK_REVIEWER_PASSWORD_FILE": str(secrets.password_file(CANARY_REVIEWER)),
        "JOBS_PYTHON": sys.executable,
    }


def _airflow(state: State, ports: Ports) -> dict[str, str]:
    secrets = Secrets(state.secrets)
    options = {
        "CORE__DAGS_FOLDER": PROJECT / "dags",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": 4,  # a training of hours must not keep what runs every few minutes waiting
        "CORE__LOAD_EXAMPLES": False,
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": False,
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "CORE__EXECUTION_API_SERVER_URL": f"{ports.airflow_url}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{AIRFLOW_ADMIN}:admin,{AIRFLOW_WAKER}:op",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": secrets.airflow_passwords,
        "CORE__FERNET_KEY_CMD": _cat(secrets, "fernet"),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{state.airflow / 'airflow.db'}",
        "API__HOST": "127.0.0.1",
        "API__PORT": ports.airflow,
        "API__BASE_URL": ports.airflow_url,
        "API__SECRET_KEY_CMD": _cat(secrets, "api"),
        "API_AUTH__JWT_SECRET_CMD": _cat(secrets, "jwt"),
        "LOGGING__BASE_LOG_FOLDER": state.logs / "airflow",
        "LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": state.logs / "airflow" / "dag_processor",
        "DAG_PROCESSOR__REFRESH_INTERVAL": 10,
        "DAG_PROCESSOR__PARSING_PROCESSES": 1,
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": 60,
        # Tasks sit out a restart of the API server instead of failing: they ask it for two minutes.
        "WORKERS__EXECUTION_API_RETRIES": 12,
        "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": 15,
        "WORKERS__MAX_FAILED_HEARTBEATS": 24,
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": 180,
        # A new scheduler takes over from a killed one as soon as that has been silent for half a minute.
        "SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": 30,
        "USAGE_DATA_COLLECTION__ENABLED": False,
    }
    return {"AIRFLOW_HOME": str(state.airflow), **{f"AIRFLOW__{name}": str(value) for name, value in options.items()}}


def _cat(secrets: Secrets, name: str) -> str:
    return f"cat {shlex.quote(str(secrets.airflow_key(name)))}"


def _mlflow(ports: Ports) -> dict[str, str]:
    return {
        "MLFLOW_TRACKING_URI": ports.mlflow_url,
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # By default a client waits minutes for a server that is down.
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    }
