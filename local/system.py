"""One system: its state, ports, environment and programs, put together and made ready."""

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local.environment import make_environment
from local.health import check, wait_healthy
from local.jobs import run_job, run_module
from local.ports import Ports, choose_ports
from local.programs import Program, make_programs
from local.progress import table
from local.secrets import ACCOUNTS, AIRFLOW_ADMIN, ROLES, Secrets
from local.state import State
from local.supervisor import Supervisor

_START_S = 300.0
_PORTS = "ports.json"


@dataclass(frozen=True, slots=True)
class System:
    """What ``up`` and ``demo`` start.

    Attributes:
        environment: of every process.
        supervisor: running or not.
        first_start: whether its passwords were generated just now.
        notices: sentences about ports that were taken.
    """

    state: State
    ports: Ports
    environment: Mapping[str, str]
    programs: tuple[Program, ...]
    supervisor: Supervisor
    first_start: bool = False
    notices: tuple[str, ...] = ()

    @classmethod
    def assemble(cls, root: Path, **settings: str) -> "System":
        """The system in ``root`` on free ports; ``settings`` go into every process's environment.

        It must not be running: its own ports would count as taken.
        """
        state = State.at(root)
        first = Secrets(state.secrets).generate()
        ports, notices = choose_ports(os.environ)
        ports.save(state.run / _PORTS)
        system = cls._of(state, ports, settings)
        return replace(system, first_start=first, notices=tuple(notices))

    @classmethod
    def existing(cls, root: Path) -> "System":
        """The system that was started in ``root``, running or not.

        Raises:
            FileNotFoundError: none ever was.
        """
        state = State(root.resolve())
        return cls._of(state, Ports.load(state.run / _PORTS), {})

    @classmethod
    def _of(cls, state: State, ports: Ports, settings: Mapping[str, str]) -> "System":
        usual = make_environment(state, ports)
        environment = {name: value for name, value in usual.items() if f"{name}_FILE" not in settings} | settings
        return cls(state, ports, environment, tuple(make_programs(state, ports)), Supervisor(state))

    @property
    def secrets(self) -> Secrets:
        """Its keys and passwords."""
        return Secrets(self.state.secrets)

    def migrate(self) -> None:
        """Bring the staging database to the newest schema and make its accounts. Safe to repeat."""
        self.job("core.db", "migrate")
        for username, role in ACCOUNTS.items():
            account = ("--username", username, "--role", role)
            self.job("api.accounts", "create", *account, stdin=self.secrets.password(username))

    def boot(self, *, without: Collection[str] = (), grace_s: int = 25) -> None:
        """Migrate Airflow's database and start every program but those named in ``without``."""
        self.module("airflow", "db", "migrate")
        programs = [replace(program, starts_alone=program.name not in without) for program in self.programs]
        self.supervisor.start(programs, self.environment, grace_s=grace_s)

    def job(self, module: str, *arguments: str, stdin: str = "") -> dict[str, Any]:
        """Run a job in this system's environment and return its JSON."""
        return run_job(self.state, self.environment, module, *arguments, stdin=stdin)

    def module(self, module: str, *arguments: str) -> str:
        """Run a module in this system's environment and return its standard output."""
        return run_module(self.state, self.environment, module, *arguments)

    def import_catalogue(self, data: Path, base: float, limit: int | None) -> dict[str, Any]:
        """Make the catalogue in ``data`` the base of the training store; ``base`` thins its training rows."""
        limits = [] if limit is None else ["--limit", str(limit)]
        return self.job("preprocessing.ingest", "import", "--data", str(data), "--base", str(base), *limits)

    def wait_healthy(self, *names: str, say: Callable[[str], None] = lambda line: None) -> None:
        """Return once the named programs (all without a name) are well."""
        wanted = [program for program in self.programs if not names or program.name in names]
        wait_healthy(self.supervisor, wanted, _START_S, say)

    def logins(self) -> str:
        """Addresses, accounts and passwords for a person."""
        api, airflow = self.ports.api_url, self.ports.airflow_url
        rows: list[tuple[str, ...]] = [("", "address", "account", "password")]
        rows += [("pages", f"{api}/", role, self.secrets.password(role)) for role in ROLES]
        rows += [("API", f"{api}/docs", "", "the same accounts")]
        rows += [("Airflow", airflow, AIRFLOW_ADMIN, self.secrets.airflow_password(AIRFLOW_ADMIN))]
        rows += [("MLflow", self.ports.mlflow_url, "", "none needed on this machine")]
        rows += [("figures", self.ports.metrics_url, "", "none needed on this machine")]
        return table(rows)

    def overview(self) -> tuple[str, bool]:
        """A table of every program, and whether all are running and well."""
        found = {program.name: program for program in self.supervisor.programs()}
        rows: list[tuple[str, ...]] = [("program", "state", "pid", "address", "health")]
        well = True
        for program in self.programs:
            seen = found.get(program.name)
            health = check(program) if seen and seen.pid else "-"
            well = well and health == "ok" and seen is not None and seen.state == "RUNNING"
            state, pid = (seen.state, str(seen.pid or "-")) if seen else ("DOWN", "-")
            rows.append((program.name, state, pid, program.address, health))
        return table(rows), well
