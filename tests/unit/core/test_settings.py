"""Settings, and the example file that lists them."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from core import settings
from core.settings import AuthSettings, DatabaseSettings, LoopSettings, _Settings
from tests.conftest import ROOT

CLASSES = [value for value in vars(settings).values() if isinstance(value, type) and issubclass(value, _Settings)]
FIELDS = {
    f"{cls.model_config['env_prefix']}{name}".upper(): field
    for cls in CLASSES
    for name, field in cls.model_fields.items()
}


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_the_example_file_lists_exactly_the_settings() -> None:
    assert set(example()) == set(FIELDS)


@pytest.mark.parametrize("variable", sorted(FIELDS))
def test_the_example_file_states_the_default(variable: str) -> None:
    field = FIELDS[variable]
    default = "" if field.is_required() or field.default is None else field.default
    text = default.get_secret_value() if isinstance(default, SecretStr) else str(default)
    assert example()[variable] == text


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("k" * 40 + "\n", encoding="utf-8")
    monkeypatch.setenv("AUTH_KEY_FILE", str(file))
    assert AuthSettings().key.get_secret_value() == "k" * 40


def test_the_signing_key_has_no_default() -> None:
    with pytest.raises(ValidationError):
        AuthSettings()


def test_a_secret_does_not_show_in_a_representation() -> None:
    assert "hunter2" not in repr(LoopSettings(airflow_password=SecretStr("hunter2")))


def test_a_server_may_be_silent_for_longer_than_a_lock_is_waited_for() -> None:
    with pytest.raises(ValidationError, match="DB_ANSWER_TIMEOUT_S must be more than DB_LOCK_TIMEOUT_S"):
        DatabaseSettings(lock_timeout_s=20, answer_timeout_s=20)
