"""``make_secrets.py make | show | put NAME | renew NAME``: every key and password of a system, one file each.

``make`` generates what is missing into ``/secrets/all`` and gives every reader copies of what it needs, in a folder
that is a volume of its own: nobody sees what others hold. It runs at every start and leaves alone what is there.
``show`` prints what people sign in with. ``put`` takes what only a person can know from standard input. ``renew``
replaces one; the next ``docker compose up`` tells those who know the old one. The standard library and openssl only.
"""

import argparse
import base64
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path("/secrets")

PEOPLE = (  # what a person signs in to, and as whom
    ("API", "admin", "admin.password"),
    ("API", "reviewer", "reviewer.password"),
    ("API", "customer", "customer.password"),
    ("Airflow", "admin", "airflow-admin.password"),
    ("Grafana", "admin", "grafana-admin.password"),
)


def _password() -> str:
    return secrets.token_urlsafe(18)


def _key() -> str:
    return secrets.token_urlsafe(48)


def _fernet() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MADE: Mapping[str, Callable[[], str]] = {
    "admin.password": _password,
    "airflow-admin.password": _password,
    "airflow-api.key": _key,
    "airflow-etalon.password": _password,
    "airflow-fernet.key": _fernet,
    "airflow-jwt.key": _key,
    "auth.key": _key,
    "canary-reviewer.password": _password,
    "canary.password": _password,
    "customer.password": _password,
    "database-etalon.password": _password,
    "database-etalon_owner.password": _password,
    "database-root.password": _password,
    "grafana-admin.password": _password,
    "metadata.password": _password,
    "reviewer.password": _password,
}
CERTIFICATES = ("database-ca.pem", "database-cert.pem", "database-key.pem")
URLS = {  # name to scheme, file of the password, and the rest
    "database-url": ("mysql+pymysql://etalon", "database-etalon.password", "mysql:3306/etalon"),
    "database-owner-url": ("mysql+pymysql://etalon_owner", "database-etalon_owner.password", "mysql:3306/etalon"),
    "airflow-database-url": ("postgresql+psycopg2://airflow", "metadata.password", "postgres:5432/airflow"),
}
GIVEN = ("alert.webhook", "drive.credentials", "smtp.url")  # by a person, where they are wanted
# Passwords whose holders are told the new one at the next start, and keys that nothing old depends on. A new auth.key
# signs from then on; the one before still verifies.
RENEWABLE = (
    "airflow-admin.password",
    "airflow-api.key",
    "airflow-etalon.password",
    "airflow-jwt.key",
    "auth.key",
    "database-etalon.password",
    "database-etalon_owner.password",
)

OURS, FOREIGN = 0o400, 0o440  # others run as a user of their own, with our group beside it
READERS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "accounts": (
        OURS,
        tuple(f"{name}.password" for name in ("admin", "canary", "canary-reviewer", "customer", "reviewer")),
    ),
    "airflow": (OURS, ("airflow-api.key", "airflow-database-url", "airflow-fernet.key", "airflow-jwt.key")),
    "airflow-accounts": (OURS, ("airflow-admin.password", "airflow-etalon.password")),
    "alerts": (OURS, ("alert.webhook", "smtp.url")),
    "api": (OURS, ("airflow-etalon.password", "auth.key", "database-ca.pem", "database-url")),
    "database-users": (
        OURS,
        (
            "database-ca.pem",
            "database-etalon.password",
            "database-etalon_owner.password",
            "database-root.password",
        ),
    ),
    "grafana": (FOREIGN, ("grafana-admin.password",)),
    "jobs": (
        OURS,
        ("canary-reviewer.password", "canary.password", "database-ca.pem", "database-url", "drive.credentials"),
    ),
    "migrate": (OURS, ("database-ca.pem", "database-owner-url")),
    "mysql": (FOREIGN, (*CERTIFICATES, "database-root.password")),
    "postgres": (FOREIGN, ("metadata.password",)),
}


def make(root: Path = ROOT) -> None:
    """Generate what is missing and hand out copies."""
    kept = root / "all"
    first = not (kept / "auth.key").exists()
    for name, draw in MADE.items():
        if not (kept / name).exists():
            _write(kept / name, draw(), OURS)
    if not all((kept / name).exists() for name in CERTIFICATES):
        _certify(kept)
    for name, (front, password, back) in URLS.items():
        _write(kept / name, f"{front}:{_read(kept / password)}@{back}", OURS)
    for reader, (mode, names) in READERS.items():
        for name in names:
            if (kept / name).exists():
                _write(root / reader / name, _read(kept / name), mode)
    print(f"keys and passwords: {'generated' if first else 'kept'}", flush=True)
    print("to see what people sign in with: docker compose run --rm secrets show", flush=True)


def show(root: Path = ROOT) -> None:
    """Print what people sign in with."""
    for where, account, name in PEOPLE:
        print(f"{where:<8}{account:<10}{_read(root / 'all' / name)}")


def put(name: str, value: str, root: Path = ROOT) -> None:
    """Keep what a person gave, and hand it out."""
    _write(root / "all" / name, value, OURS)
    make(root)


def renew(name: str, root: Path = ROOT) -> None:
    """Draw ``name`` anew, and hand it out."""
    path, new = root / "all" / name, MADE[name]()
    if name == "auth.key":
        new = "\n".join([new, _read(path).splitlines()[0]])
    _write(path, new, OURS)
    make(root)


def _certify(kept: Path) -> None:
    """A certificate of the database's server; the authority that signed it forgets its key at once."""
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder)
        ours = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "7300")
        authority, server = ("-subj", "/CN=Etalon database authority"), ("-subj", "/CN=mysql")
        usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
        _openssl(draft, *ours, *authority, *usage, "-keyout", "ca.key", "-out", "database-ca.pem")
        signed = ("-CA", "database-ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:FALSE")
        name = ("-addext", "subjectAltName=DNS:mysql,DNS:localhost,IP:127.0.0.1")
        _openssl(draft, *ours, *server, *signed, *name, "-keyout", "database-key.pem", "-out", "database-cert.pem")
        for file in CERTIFICATES:
            _write(kept / file, _read(draft / file), OURS)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", "req", "-x509", *arguments], cwd=folder, check=True, stderr=subprocess.DEVNULL)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _write(path: Path, value: str, mode: int) -> None:
    """Replace ``path`` whole or not at all; what is there already is left alone."""
    if path.exists() and _read(path) == value:
        return
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(mode)
    draft.rename(path)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="make_secrets.py", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("make")
    verbs.add_parser("show")
    verbs.add_parser("put").add_argument("name", choices=GIVEN)
    verbs.add_parser("renew").add_argument("name", choices=RENEWABLE)
    asked = parser.parse_args()
    match asked.verb:
        case "make":
            make()
        case "show":
            show()
        case "put":
            put(asked.name, sys.stdin.read().strip())
        case _:
            renew(asked.name)


if __name__ == "__main__":
    main()
