"""Alerts: a task of Airflow whose last try fails tells an SMTP server and a chat's webhook, both real, or neither."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dags.mailbox import KEY, PASSWORD, Mailbox, open_mailbox
from tests.dags.runs import Runs
from tests.toys.certificates import certificate

Airflow = Callable[..., str]


@pytest.fixture(scope="module")
def box() -> Iterator[Mailbox]:
    with open_mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def runs(box: Mailbox, in_airflow: Airflow, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """A run whose first task fails, so that the others are not begun."""
    settings = box.settings | {"AIRFLOW__API__BASE_URL": "https://airflow.example.org"}
    return Runs("retrain", ["append-fails"], in_airflow, tmp_path_factory.mktemp("alerts"), **settings)


def test_a_failed_task_sends_one_mail_to_everybody_and_the_others_none(runs: Runs, box: Mailbox) -> None:
    (mail,) = box.mails
    assert mail["Subject"] == "Etalon: retrain.append failed"
    assert mail["To"] == "ops@example.org, night@example.org"
    assert mail["From"] == "etalon@127.0.0.1"
    assert box.sign_ins == 1


def test_a_failed_task_posts_one_message_in_the_chat(runs: Runs, box: Mailbox) -> None:
    (message,) = box.messages
    assert list(message) == ["text"]
    assert message["text"].startswith("Etalon: retrain.append failed\n")


def test_both_say_that_it_was_the_last_try_which_run_failed_and_where_its_log_is(runs: Runs, box: Mailbox) -> None:
    run = runs.states["append-fails"]["run_id"]
    body = box.mails[0].get_body()
    assert body is not None
    for text in (body.get_content(), box.messages[0]["text"]):
        assert f"DAG retrain, task append, run {run}, try 3 of 3" in text
        assert "https://airflow.example.org/dags/retrain/runs/" in text
        assert "/tasks/append?try_number=3" in text


def test_no_log_holds_the_password_or_the_channels_key(runs: Runs) -> None:
    assert KEY not in runs.log
    assert PASSWORD not in runs.log


def test_servers_that_are_away_change_nothing_but_the_log(in_airflow: Airflow, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {
            "LOOP_ALERT_EMAIL": "ops@example.org",
            "LOOP_SMTP_URL": f"smtps://etalon:secret-word@{nowhere}",
            "LOOP_ALERT_WEBHOOK": f"http://{nowhere}/hooks/{KEY}",
        }
        runs = Runs("retrain", ["append-fails"], in_airflow, tmp_path, **settings)
    assert (runs.states["append-fails"]["state"], runs.tasks("append-fails")["append"]) == ("failed", "failed")
    assert runs.tasks("append-fails")["features"] == "upstream_failed"
    assert "EmailNotifier: ConnectionRefusedError" in runs.log
    assert "ChatNotifier: URLError ConnectionRefusedError" in runs.log
    assert KEY not in runs.log
    assert "secret-word" not in runs.log


def test_an_alert_is_given_up_in_time_when_its_server_says_nothing(in_airflow: Airflow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        said = in_airflow(
            "send_alerts.py",
            LOOP_ALERT_EMAIL="ops@example.org",
            LOOP_SMTP_URL=f"smtp://{address}",
            LOOP_ALERT_WEBHOOK=f"http://{address}/hooks/{KEY}",
        )
    assert said.splitlines()[-2:] == [
        "EmailNotifier: not taken within 0.2 s",
        "ChatNotifier: not taken within 0.2 s",
    ]


def test_addresses_may_come_from_files_and_a_mail_shows_its_text_as_written(
    in_airflow: Airflow, tmp_path: Path
) -> None:
    with open_mailbox() as box:
        files = {}
        for name, value in box.settings.items():
            (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
            files[f"{name}_FILE"] = str(tmp_path / name)
        in_airflow("send_alerts.py", "10", **files)
    body = box.mails[0].get_body()
    assert body is not None
    assert box.mails[0]["Subject"] == "Etalon: 3 < 4"
    assert "accuracy &lt; 0.8 &amp; falling" in body.get_content()
    assert box.messages[0]["text"].startswith("Etalon: 3 < 4\naccuracy < 0.8 & falling")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate and its key."""
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    file.write_bytes(certificate()[1])
    return file


def test_mail_goes_encrypted_to_a_server_that_proves_its_name(in_airflow: Airflow, authority: Path) -> None:
    with open_mailbox(authority) as box:
        to = {"LOOP_ALERT_EMAIL": "ops@example.org", "LOOP_SMTP_URL": f"{box.smtp_url}?from=etalon@example.org"}
        assert in_airflow("send_alerts.py", "10", **to).splitlines()[-1] == (
            "EmailNotifier: SSLCertVerificationError CERTIFICATE_VERIFY_FAILED"
        )
        in_airflow("send_alerts.py", "10", SSL_CERT_FILE=str(authority), **to)
    (mail,) = box.mails
    assert mail["From"] == "etalon@example.org"
    assert box.sign_ins == 1


def test_a_server_that_offers_no_encryption_is_told_no_password(in_airflow: Airflow) -> None:
    with open_mailbox() as box:
        said = in_airflow("send_alerts.py", "10", LOOP_ALERT_EMAIL="ops@example.org", LOOP_SMTP_URL=box.smtp_url)
    assert said.splitlines()[-1] == "EmailNotifier: SMTPNotSupportedError"
    assert (box.mails, box.sign_ins) == ([], 0)


def test_without_addresses_there_is_nobody_to_tell(in_airflow: Airflow) -> None:
    assert in_airflow("send_alerts.py").splitlines()[0] == "0 alerts"
