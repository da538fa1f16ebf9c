"""What every process is started with."""

from pathlib import Path

import pytest

from local.database import DatabaseChoice, DatabaseChosen
from local.environment import make_environment
from local.ports import Ports
from local.processes import MARK
from local.secrets import Secrets
from local.state import State

PORTS = Ports(api=8001, airflow=8081, mlflow=5001)


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State.at(tmp_path / "state with a space")
    Secrets(state.secrets).generate()
    return state


def test_no_secret_stands_in_the_environment(state: State) -> None:
    values = " ".join(make_environment(state, PORTS, {}).values())
    for path in state.secrets.iterdir():
        assert path.read_text() not in values


def test_the_figures_have_a_port_of_their_own_on_loopback(state: State) -> None:
    environment = make_environment(state, PORTS, {"SERVING_METRICS_HOST": "0.0.0.0"})
    assert environment["SERVING_METRICS_HOST"] == "127.0.0.1"
    assert environment["SERVING_METRICS_PORT"] == str(PORTS.metrics)


def test_another_systems_settings_do_not_reach_this_one(state: State) -> None:
    foreign = {"DB_URL": "mysql+pymysql://shop", "STORE_ROOT": "/srv", "AIRFLOW_HOME": "/opt", "AUTH_KEY": "k"}
    environment = make_environment(state, PORTS, foreign)
    assert environment["DB_URL"] == f"sqlite:///{state.root}/etalon.db"
    assert environment["STORE_ROOT"] == str(state.root)
    assert environment["AIRFLOW_HOME"] == str(state.airflow)
    assert "AUTH_KEY" not in environment


def test_a_system_that_began_on_a_server_keeps_to_it_and_its_password_stays_in_a_file(state: State) -> None:
    url = "mysql+pymysql://shop:hunter2@db.example/etalon"
    DatabaseChoice(state).make({"DB_URL": url, "DB_TLS_CA": "/etc/ca.pem", "PATH": "/bin"})
    environment = make_environment(state, PORTS, {"DB_URL": "sqlite:///other.db"})
    assert "hunter2" not in " ".join(environment.values())
    assert Path(environment["DB_URL_FILE"]).read_text() == url
    assert Path(environment["DB_URL_FILE"]).stat().st_mode & 0o077 == 0
    assert environment["DB_TLS_CA"] == "/etc/ca.pem"
    assert "DB_URL" not in environment


def test_the_password_of_the_server_may_change_but_not_the_server(state: State) -> None:
    choice = DatabaseChoice(state)
    choice.make({"DB_URL": "mysql+pymysql://shop:old@db.example/etalon"})
    choice.make({"DB_URL": "mysql+pymysql://shop:new@db.example:3306/etalon"})
    assert choice.url_file.read_text() == "mysql+pymysql://shop:new@db.example:3306/etalon"
    with pytest.raises(DatabaseChosen, match=r"db\.example:3306/etalon, not at other"):
        choice.make({"DB_URL": "mysql+pymysql://shop:new@other/etalon"})


def test_a_system_that_began_on_sqlite_is_not_moved_to_a_server(state: State) -> None:
    state.database.touch()
    with pytest.raises(DatabaseChosen, match=r"etalon\.db"):
        DatabaseChoice(state).make({"DB_URL": "mysql+pymysql://shop@db.example/etalon"})
    assert make_environment(state, PORTS, {})["DB_URL"] == f"sqlite:///{state.root}/etalon.db"


def test_model_and_loop_settings_of_the_caller_reach_every_process(state: State) -> None:
    environment = make_environment(state, PORTS, {"MODEL_IMAGE_WEIGHTS": "imagenet", "LOOP_MIN_ROWS": "50"})
    assert environment["MODEL_IMAGE_WEIGHTS"] == "imagenet"
    assert environment["LOOP_MIN_ROWS"] == "50"


def test_who_is_told_and_what_is_kept_reach_every_process(state: State) -> None:
    wishes = {"LOOP_ALERT_EMAIL": "ops@example.org", "LOOP_SMTP_URL_FILE": "/run/smtp", "STORE_KEEP_GIB": "9"}
    assert wishes.items() <= make_environment(state, PORTS, wishes).items()


def test_the_service_check_asks_this_system_as_its_canaries(state: State) -> None:
    environment = make_environment(state, PORTS, {"LOOP_CHECK_URL": "https://elsewhere", "LOOP_CHECK_CUSTOMER": "ann"})
    assert environment["LOOP_CHECK_URL"] == "http://127.0.0.1:8001"
    for who, username in (("CUSTOMER", "canary"), ("REVIEWER", "canary-reviewer")):
        assert environment[f"LOOP_CHECK_{who}"] == username
        password = Path(environment[f"LOOP_CHECK_{who}_PASSWORD_FILE"]).read_text()
        assert password == Secrets(state.secrets).password(username)


def test_every_part_listens_on_loopback_and_finds_the_others(state: State) -> None:
    environment = make_environment(state, PORTS, {})
    assert environment["SERVING_HOST"] == environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"
    assert environment["LOOP_AIRFLOW_URL"] == "http://127.0.0.1:8081"
    assert environment["TRAIN_TRACKING_URI"] == "http://127.0.0.1:5001"


def test_every_path_is_absolute(state: State) -> None:
    environment = make_environment(state, PORTS, {})
    for name in ("STORE_ROOT", "TRAIN_CONFIG", "GATE_POLICY", "AUTH_KEY_FILE", "JOBS_PYTHON", "AIRFLOW_HOME"):
        assert Path(environment[name]).is_absolute(), name


def test_every_process_carries_the_mark_of_its_state(state: State) -> None:
    assert make_environment(state, PORTS, {})[MARK] == str(state.root)
