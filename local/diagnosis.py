"""Which step failed, what the right log says, and what to do next."""

import json
from pathlib import Path

import httpx

from client import ProblemError
from local.database import DatabaseChosen
from local.health import NotHealthy
from local.incoming import NoIncomingProducts
from local.jobs import JobFailed
from local.ports import NoFreePort
from local.progress import tail
from local.retraining import NotPromoted, RetrainingFailed
from local.state import State
from local.supervisor import SupervisorFailed
from local.traffic import TooFewAccepted


def explain(error: Exception, step: str | None, state: State) -> str:
    """A paragraph for a person: the step, the reason, the end of the log that tells more, and advice."""
    log, advice = _look_at(error, state)
    parts = [f"\n✗ {step or 'starting'} failed: {error}"]
    if log is not None and log.is_file():
        parts.append(f"  the end of {log}:\n\n{_indent(_readable(log))}")
    parts.append(f"  next: {advice}")
    return "\n\n".join(parts)


def _look_at(error: Exception, state: State) -> tuple[Path | None, str]:
    match error:
        case NotPromoted():
            return None, "the gate measured no gain: give the loop more labels (a larger LIMIT, a smaller BASE)"
        case NoIncomingProducts() | TooFewAccepted():
            return None, "leave more of the catalogue to arrive: a smaller BASE or LIMIT, or products with an oracle"
        case DatabaseChosen():
            return None, "start without DB_URL to go on with what is there"
        case NoFreePort():
            return None, "name free ports with SERVING_PORT, AIRFLOW_PORT and MLFLOW_PORT"
        case JobFailed() | SupervisorFailed():
            return error.log, "mend what the log says and run this again: it starts from a clean state"
        case RetrainingFailed():
            return error.log or state.logs / "airflow-scheduler.log", "mend what the log says and run this again"
        case NotHealthy():
            return state.logs / f"{error.program}.log", "mend what the log says and run this again"
        case ProblemError() | httpx.HTTPError():
            return state.logs / "api.log", "the service refused or was not there; its log says why"
        case _:
            return None, f"all logs are in {state.logs}"


def _readable(log: Path) -> str:
    """The last lines of a log; of Airflow's JSON lines, the events."""
    lines = tail(log.read_text(encoding="utf-8", errors="replace")).splitlines()
    return "\n".join(_event(line) for line in lines)


def _event(line: str) -> str:
    try:
        document = json.loads(line)
    except ValueError:
        return line
    return str(document["event"]) if isinstance(document, dict) and set(document) >= {"event", "timestamp"} else line


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
