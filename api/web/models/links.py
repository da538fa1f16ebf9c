"""Where MLflow and Airflow show more of a model, for people whose browsers reach them."""

from collections.abc import Iterator
from urllib.parse import quote

from core.settings import ServingSettings

Links = list[tuple[str, str]]
"""Pairs of a text's key and an address."""


def links_of(settings: ServingSettings, run_id: str | None, *, question: str | None = None) -> Links:
    """The links that can be made.

    Args:
        settings: name the two servers' addresses, each None where people do not reach it.
        run_id: of the tracking server.
        question: the run of the DAG ``deploy`` in which a person is asked; None where nobody is.
    """
    return list(_links(settings, run_id, question))


def _links(settings: ServingSettings, run_id: str | None, question: str | None) -> Iterator[tuple[str, str]]:
    if settings.mlflow_page and run_id:
        yield "models.mlflow", f"{settings.mlflow_page.rstrip('/')}/#/runs/{quote(run_id, safe='')}"
    if settings.airflow_page and question:
        run = quote(question, safe="")
        yield "models.airflow_question", f"{settings.airflow_page.rstrip('/')}/dags/deploy/runs/{run}"


def retraining_link(settings: ServingSettings, run_key: str | None) -> Links:
    """The run of the DAG ``retrain`` that took a request; its key is the run's id."""
    if not settings.airflow_page or not run_key:
        return []
    address = f"{settings.airflow_page.rstrip('/')}/dags/retrain/runs/{quote(run_key, safe='')}"
    return [("models.airflow_run", address)]


def question_of(package: str, epoch: int) -> str:
    """How ``dags/decision.py`` names the run in which a person is asked about a package in the grey zone."""
    return f"grey-{package[:12]}-{epoch}"
