"""The one-shot service that writes keys and passwords."""

import base64
import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT
from tests.containers.compose import read_compose
from tests.containers.dockerfile import read_dockerfile


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_secrets", ROOT / "docker/init/make_secrets.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_secrets = _load()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The empty volumes of a first start."""
    for name in ("all", *make_secrets.READERS):
        (tmp_path / name).mkdir()
    return tmp_path


def _everything(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in root.rglob("*") if path.is_file()}


def test_the_second_start_changes_nothing(root: Path) -> None:
    make_secrets.make(root)
    first = _everything(root)
    make_secrets.make(root)
    assert _everything(root) == first


def test_no_two_secrets_are_alike_and_none_is_short(root: Path) -> None:
    make_secrets.make(root)
    values = [(root / "all" / name).read_text(encoding="utf-8") for name in make_secrets.MADE]
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 24
    fernet = (root / "all" / "airflow-fernet.key").read_text(encoding="utf-8")
    assert len(base64.urlsafe_b64decode(fernet)) == 32


def test_a_reader_gets_what_it_needs_and_only_it_can_read_it(root: Path) -> None:
    make_secrets.make(root)
    for reader, (mode, names) in make_secrets.READERS.items():
        found = {path.name: path.stat().st_mode & 0o777 for path in (root / reader).iterdir()}
        assert found == dict.fromkeys(set(names) - set(make_secrets.GIVEN), mode)


def test_every_reader_has_a_volume_and_a_folder_whose_owner_it_takes_over() -> None:
    _, services = read_compose()
    mounted = {mount.target for mount in services["secrets"].mounts}
    assert mounted == {f"/secrets/{name}" for name in ("all", *make_secrets.READERS)}
    image = " ".join(step.rest for step in read_dockerfile(ROOT / "docker/init/Dockerfile")[-1].steps)
    assert all(f" {name}" in image for name in ("all", *make_secrets.READERS))


def test_the_server_proves_its_name_by_a_certificate_whose_authority_has_forgotten_its_key(root: Path) -> None:
    make_secrets.make(root)
    kept = root / "all"
    command = ["openssl", "verify", "-CAfile", kept / "database-ca.pem", "-verify_hostname", "mysql"]
    assert subprocess.run([*command, kept / "database-cert.pem"], capture_output=True, check=False).returncode == 0
    keys = [path.name for path in kept.iterdir() if "PRIVATE KEY" in path.read_text(encoding="utf-8")]
    assert keys == ["database-key.pem"]


def test_a_new_password_reaches_every_reader_and_the_address_that_holds_it(root: Path) -> None:
    make_secrets.make(root)
    make_secrets.renew("database-etalon.password", root)
    new = (root / "all" / "database-etalon.password").read_text(encoding="utf-8")
    assert (root / "database-users" / "database-etalon.password").read_text(encoding="utf-8") == new
    assert f":{new}@mysql" in (root / "api" / "database-url").read_text(encoding="utf-8")
    assert f":{new}@mysql" in (root / "jobs" / "database-url").read_text(encoding="utf-8")


def test_the_key_before_the_newest_still_verifies(root: Path) -> None:
    make_secrets.make(root)
    old = (root / "all" / "auth.key").read_text(encoding="utf-8")
    make_secrets.renew("auth.key", root)
    assert (root / "api" / "auth.key").read_text(encoding="utf-8").splitlines()[1:] == [old]


def test_what_a_person_gives_reaches_the_jobs(root: Path) -> None:
    make_secrets.make(root)
    make_secrets.put("drive.credentials", "{}", root)
    assert (root / "jobs" / "drive.credentials").read_text(encoding="utf-8") == "{}"
    assert not (root / "api" / "drive.credentials").exists()
