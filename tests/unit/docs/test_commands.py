"""Every command that a document shows is run by a test, in full or up to its first effect, or says that it is not."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.app import create_app
from api.settings import ServiceSettings
from tests.conftest import ROOT
from tests.unit.docs.commands import DOCUMENTS, Command, fenced, inline, modules, variables

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
FENCED = [command for document in DOCUMENTS for command in fenced(document)]
INLINE = [command for document in DOCUMENTS for command in inline(document)]

# Start → the test that runs it for real, and what of it stands there. What is not listed here is checked below: `make`
# is asked what it would do, programs parse their arguments, requests are held against the service's OpenAPI document.
RUN_FOR_REAL = {
    "make demo": ("tests/e2e/conftest.py", "demo"),
    "make rollback": ("tests/e2e/test_the_loop.py", '"training.jobs", "rollback"'),
    "make backup": ("tests/integration/test_operations_guide.py", "make backup"),
    "make restore-drill": ("tests/integration/test_operations_guide.py", "make restore-drill"),
    "make restore ": ("tests/integration/test_operations_guide.py", "make restore "),
    "make fsck": ("tests/integration/test_operations_guide.py", "make fsck"),
    "make import": ("tests/integration/test_operations_guide.py", "make import"),
    "make retract": ("tests/integration/test_operations_guide.py", "make retract"),
    "make reset": ("tests/integration/test_operations_guide.py", "make reset"),
    "umask 077": ("tests/integration/test_operations_guide.py", "auth.key"),
    "python3 -c 'import secrets; print(secrets.token_hex(32))' | cat - auth.key": (
        "tests/integration/test_operations_guide.py",
        "auth.key",
    ),
    "sleep 900": ("tests/integration/test_operations_guide.py", "auth.key"),
    "head -n 1 auth.key": ("tests/integration/test_operations_guide.py", "auth.key"),
}
# What a shell does with its own words, for the commands after it.
WORDS_OF_THE_SHELL = ("export ", "token() {", "SELLER=$(")


def is_run_for_real(command: Command) -> bool:
    return any((command.text + " ").startswith(start) for start in RUN_FOR_REAL)


def makes() -> list[tuple[Command, dict[str, str], list[str]]]:
    """Commands of make: the command, its assignments, its targets."""
    found = []
    for command in [*FENCED, *INLINE]:
        before, rest = variables(command.text)
        if rest.startswith("make ") and not command.is_marked:
            words = shlex.split(re.sub(r"[\[\]]", " ", rest.replace("…", "x")), comments=True)[1:]
            after = dict(word.split("=", 1) for word in words if "=" in word)
            found.append((command, before | after, [word for word in words if "=" not in word]))
    return found


def targets() -> set[str]:
    rules = re.findall(r"^([a-z0-9-]+(?: [a-z0-9-]+)*):", MAKEFILE, re.MULTILINE)
    return {word for line in rules for word in line.split()}


def would_do(wanted: list[str], values: dict[str, str]) -> str:
    """What make would do, as one line of shell for each line of its recipes."""
    line = ["make", "--no-print-directory", "--dry-run", "--old-file=.venv/.ready", *wanted]
    given = [f"{name}={value}" for name, value in values.items()]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run([*line, *given], cwd=ROOT, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\\\n", " ")


def test_there_are_commands_to_look_at() -> None:
    assert len(FENCED) > 60
    assert len(INLINE) > 60
    assert {"make demo", "make test"} <= {command.text for command in FENCED if command.document == "README.md"}


def test_every_fenced_command_is_run_checked_or_says_that_it_is_not() -> None:
    checked = ("make ", "curl ", "python -m ", ".venv/bin/python -m ", *WORDS_OF_THE_SHELL)
    left = [
        str(command)
        for command in FENCED
        if not command.is_marked
        and not is_run_for_real(command)
        and not variables(command.text)[1].startswith(checked)
        and not command.text.startswith(WORDS_OF_THE_SHELL)
    ]
    assert left == []


def test_what_is_said_to_be_run_for_real_stands_in_that_test() -> None:
    absent = [start for start, (path, words) in RUN_FOR_REAL.items() if words not in (ROOT / path).read_text("utf-8")]
    assert absent == []


def test_every_target_of_make_exists_and_knows_what_it_is_given() -> None:
    wrong = []
    for command, values, wanted in makes():
        settings = {
            name for name in values if re.match(r"(DB|STORE|SERVING|MODEL|TRAIN|AUTH|DRIVE|GATE|LOOP|SKIP|TEST)_", name)
        }
        unknown = [
            name
            for name in values.keys() - settings
            if f"$({name})" not in MAKEFILE and f"$(or $({name})" not in MAKEFILE
        ]
        if not set(wanted) <= targets() or unknown:
            wrong.append(f"{command}: {set(wanted) - targets() or unknown}")
    assert wrong == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", ["up", "down", "status", "fsck", "rollback", "restore FROM=backup", "reset SURE=1"])
def test_a_state_that_is_named_is_the_one_that_is_touched(target: str) -> None:
    wanted, _, value = target.partition(" ")
    values = dict([value.split("=")]) if value else {}
    done = would_do([wanted], values | {"STATE": "/srv/elsewhere"})
    assert "/srv/elsewhere" in done
    assert "data/var/up" not in done


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_every_program_that_a_command_starts_takes_its_arguments(tmp_path: Path) -> None:
    calls: dict[tuple[str, tuple[str, ...]], str] = {}
    for command, values, wanted in makes():
        if command in FENCED and not set(wanted) & {"setup", "lint", "test", "lock"}:
            for module, arguments in modules(would_do(wanted, values)):
                if "$" not in module:
                    calls[module, tuple(arguments)] = str(command)
    for command in FENCED:
        if not command.is_marked and not command.text.startswith("make"):
            for module, arguments in modules(command.text):
                calls[module, tuple(arguments)] = str(command)
    assert len(calls) > 20
    # What the examples name, for programs that look whether it is there.
    (tmp_path / "photo.jpg").touch()
    (tmp_path / "products.csv").write_text("designation\nLampe\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("parse_arguments.py"))],
        input=json.dumps(list(calls)),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "ETALON_URL": "http://127.0.0.1:8000", "ETALON_API_KEY": "etalon_key"},
    )
    assert done.returncode == 0, done.stderr
    complaints = zip(calls.values(), json.loads(done.stdout), strict=True)
    assert [f"{command}: {said}" for command, said in complaints if said is not None] == []


def test_every_verb_within_a_sentence_is_one_of_its_program() -> None:
    missing = []
    for command in INLINE:
        for module, arguments in modules(variables(command.text)[1]):
            folder = ROOT.joinpath(*module.split("."))
            source = folder / "__main__.py" if folder.is_dir() else folder.with_suffix(".py")
            if not source.exists():
                missing.append(str(command))
            elif arguments and re.fullmatch(r"[a-z][a-z-]+", arguments[0]):
                text = "".join(path.read_text(encoding="utf-8") for path in source.parent.glob("*.py"))
                if f'"{arguments[0]}"' not in text and arguments[0] not in text:
                    missing.append(str(command))
    assert missing == []


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH_KEY", "0123456789abcdefghijklmnopqrstuv-KEY")
        patch.setenv("STORE_ROOT", str(tmp_path_factory.mktemp("store")))
        patch.setenv("DB_URL", f"sqlite:///{tmp_path_factory.mktemp('database')}/none.db")
        return create_app(ServiceSettings.from_environment()).openapi()


@pytest.fixture(scope="module")
def airflows_openapi() -> dict[str, Any]:
    package = find_spec("airflow")  # found, not imported
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "api_fastapi" / "core_api" / "openapi" / "v2-rest-api-generated.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def request(command: str) -> tuple[str, str]:
    """Method and path of a curl command."""
    url = re.search(r"(?:http://127\.0\.0\.1:\d+|\$\w+_URL)(/[^\s\"'?]*)", command)
    assert url is not None, command
    sends = re.search(r"\s(-d|-F|--data\S*) ", command)
    explicit = re.search(r"-X ([A-Z]+)", command)
    return (explicit[1] if explicit else "POST" if sends else "GET").lower(), url[1]


def as_pattern(path: str) -> str:
    return re.sub(r"\{[^}]+\}", r"[^/]+", path)


@pytest.mark.parametrize("command", [one for one in FENCED if "curl " in one.text], ids=lambda one: one.text[:60])
def test_every_request_is_one_that_its_service_takes(
    command: Command, openapi: dict[str, Any], airflows_openapi: dict[str, Any]
) -> None:
    method, path = request(command.text)
    document = airflows_openapi if path.startswith("/api/v2/") else openapi
    routes = [known for known in document["paths"] if re.fullmatch(as_pattern(known), path)]
    routes = [known for known in routes if method in document["paths"][known]]
    assert routes
    body = re.search(r"-d '(\{.*\})'", command.text)
    if body:
        content = document["paths"][routes[0]][method]["requestBody"]["content"]["application/json"]
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"][name] if name else content["schema"]
        assert json.loads(body[1]).keys() <= schema["properties"].keys()
