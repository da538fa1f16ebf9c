"""The text that supervisord reads."""

import configparser
import shlex
import stat
from pathlib import Path

import pytest

from local.ports import Ports
from local.programs import Program, make_programs
from local.state import State
from local.supervisor import config_text, socket_path


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State.at(tmp_path / "state")


def read(text: str) -> configparser.ConfigParser:
    config = configparser.ConfigParser(inline_comment_prefixes=(";",))
    config.read_string(text)
    return config


def test_all_six_programs_are_restarted_and_stopped_with_their_groups(state: State) -> None:
    config = read(config_text(state, state.run / "s.sock", make_programs(state, Ports(8000, 8080, 5000)), 15))
    programs = [name for name in config.sections() if name.startswith("program:")]
    assert programs == [
        "program:mlflow",
        "program:airflow-apiserver",
        "program:airflow-scheduler",
        "program:airflow-dagprocessor",
        "program:airflow-triggerer",
        "program:api",
    ]
    for name in programs:
        for option in ("autostart", "autorestart", "stopasgroup", "killasgroup", "redirect_stderr"):
            assert config[name][option] == "true", (name, option)


def test_the_supervisor_is_reached_by_a_file_and_never_by_the_network(state: State) -> None:
    config = read(config_text(state, state.run / "s.sock", [], 15))
    assert "inet_http_server" not in config.sections()
    assert config["unix_http_server"]["file"] == str(state.run / "s.sock")


def test_logs_are_bounded(state: State) -> None:
    config = read(config_text(state, state.run / "s.sock", make_programs(state, Ports(8000, 8080, 5000)), 15))
    assert config["program:api"]["stdout_logfile"] == str(state.logs / "api.log")
    assert config["program:api"]["stdout_logfile_maxbytes"] == "5MB"


def test_arguments_survive_spaces_quotes_and_percent_signs(state: State) -> None:
    command = ("/a folder/python", "-c", "print('100% done')")
    config = read(config_text(state, state.run / "s.sock", [Program("odd", command)], 15))
    assert tuple(shlex.split(config["program:odd"]["command"]))[-3:] == command


def test_servers_listen_on_loopback_only(state: State) -> None:
    commands = {program.name: program.command for program in make_programs(state, Ports(8000, 8080, 5000))}
    for name in ("mlflow", "airflow-apiserver"):
        assert commands[name][commands[name].index("--host") + 1] == "127.0.0.1"
    for name in ("airflow-scheduler", "airflow-triggerer"):
        assert "--skip-serve-logs" in commands[name]  # which would listen on every interface


def test_the_scheduler_starts_no_task_before_the_api_server_answers(state: State) -> None:
    config = read(config_text(state, state.run / "s.sock", make_programs(state, Ports(8000, 8080, 5000)), 15))
    command = shlex.split(config["program:airflow-scheduler"]["command"])
    assert command[3:5] == ["airflow-scheduler", "http://127.0.0.1:8080/api/v2/monitor/health"]
    assert shlex.split(config["program:api"]["command"])[3:5] == ["api", ""]


def test_mlflow_answers_to_its_own_names_only(state: State) -> None:
    mlflow = make_programs(state, Ports(8000, 8080, 5000))[0].command
    assert mlflow[mlflow.index("--allowed-hosts") + 1] == "127.0.0.1:5000,localhost:5000"


def test_a_long_path_gets_a_private_socket_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    state = State.at(tmp_path / ("deep" * 30))
    path = socket_path(state)
    assert len(str(path.relative_to(tmp_path))) < 40  # the folder of temporary files is short, a test's own is not
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    state = State.at(tmp_path / ("deep" * 30))
    socket_path(state).parent.chmod(0o755)
    with pytest.raises(PermissionError):
        socket_path(state)
