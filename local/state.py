"""One folder holds everything that one running system writes."""

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
UP = PROJECT / "data" / "var" / "up"
DEMO = PROJECT / "data" / "var" / "demo"


@dataclass(frozen=True, slots=True)
class State:
    """Where things are. The training store, packages and images lie directly under ``root``.

    Attributes:
        root: absolute folder; create it with ``State.at``.
    """

    root: Path

    @classmethod
    def at(cls, root: Path) -> "State":
        """The state in ``root``, whose folders are made where they are missing, for the owner's eyes only."""
        state = cls(root.resolve())
        state.root.mkdir(parents=True, exist_ok=True)
        for folder in (state.secrets, state.run, state.logs, state.airflow, state.mlflow):
            folder.mkdir(mode=0o700, exist_ok=True)
        return state

    @property
    def database(self) -> Path:
        """The staging database."""
        return self.root / "etalon.db"

    @property
    def secrets(self) -> Path:
        """Generated keys and passwords."""
        return self.root / "secrets"

    @property
    def run(self) -> Path:
        """The supervisor's configuration, process id and addresses."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One rotating file a program, one file a job, and Airflow's task logs."""
        return self.root / "logs"

    @property
    def airflow(self) -> Path:
        """Airflow's home."""
        return self.root / "airflow"

    @property
    def mlflow(self) -> Path:
        """MLflow's database and artefacts."""
        return self.root / "mlflow"

    def job_log(self, job: str) -> Path:
        """Standard error of a job that the runner itself started, for example ``training.jobs first``."""
        return self.logs / f"job-{job.replace(' ', '-')}.log"
