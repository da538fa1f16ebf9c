"""What the tracking server is told: one run per training, one registered version per package, three aliases.

The ledger is the truth and the aliases mirror it, because an alias has no history and its last writer wins.
Nothing here is done twice: a run is looked up by its ``train_key`` before one is started, a version by the
package it holds before one is registered.
"""

import contextlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path, PurePosixPath

import mlflow
from matplotlib.figure import Figure
from mlflow import MlflowClient
from mlflow.entities import LoggedModel, Metric, Param, Run
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array, Object, Property

from core.errors import Unavailable
from core.retention.rules import Registered
from core.settings import TrainSettings

log = logging.getLogger(__name__)

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"

_CODE = Path(__file__).resolve().parent.parent
_SERVED = Path(__file__).with_name("served_pyfunc.py")
_NEEDED = ("mlflow", "numpy", "openvino", "pandas", "pillow", "pydantic-settings")
_NEEDED += ("safetensors", "scikit-image", "scikit-learn", "scipy", "tokenizers")
_NOTE = "mlflow.note.content"  # what the server shows as a run's description
_BATCH = 500  # metrics a request; the server takes 1,000
_OURS_TO_MEND = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_DOES_NOT_EXIST"}

_ANSWER = Object([Property("prdtypecode", DataType.long), Property("confidence", DataType.double)])
SIGNATURE = ModelSignature(
    inputs=Schema(
        [
            ColSpec(DataType.string, "designation"),
            ColSpec(DataType.string, "description", required=False),
            ColSpec(DataType.binary, "image", required=False),
        ]
    ),
    outputs=Schema(
        [
            ColSpec(DataType.long, "prdtypecode"),
            ColSpec(DataType.double, "confidence"),
            ColSpec(Array(_ANSWER), "top_k"),
            ColSpec(DataType.string, "modality"),
        ]
    ),
)


class TrackingUnavailable(Unavailable):
    """The tracking server did not answer, or not in time."""

    code = "tracking.unavailable"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """All that is told about one training.

    Attributes:
        train_key: what makes two trainings the same.
        model: registered model name.
        package: folder of the packaged model, named by its sha.
        params: settings of the training, by dotted name.
        metrics: seconds of each stage, rows by split, scores out of fold.
        curves: one value an epoch.
        tags: snapshot, code version, taxonomy, encoders.
        reports: text files by name.
        plots: figures by file name.
        files: other files, by the path they get.
    """

    train_key: str
    model: str
    package: Path
    params: Mapping[str, str | int | float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    reports: Mapping[str, str] = field(default_factory=dict)
    plots: Mapping[str, Figure] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JudgementRecord:
    """All that is told about one judgement of a training: how it did, beside whom, and what the gate said.

    Attributes:
        model: registered model name.
        package: sha of the package that was judged.
        tags: outcome, champion, run key, weights and snapshot; run and registered version carry them.
        metrics: scores of challenger and champion on the same rows, and their difference.
        reports: text files by name.
        plots: figures by file name.
        description: Markdown for the pages of run and registered version.
    """

    model: str
    package: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    reports: Mapping[str, str]
    plots: Mapping[str, Figure]
    description: str


@dataclass(frozen=True, slots=True)
class ComparisonRecord:
    """Several models judged on the same rows, side by side.

    Attributes:
        key: what makes two comparisons the same.
        tags: snapshot, models.
        metrics: weighted F1 by model.
        reports: text files by name.
        plots: figures by file name.
        description: Markdown for the run's page.
    """

    key: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    reports: Mapping[str, str]
    plots: Mapping[str, Figure]
    description: str


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """A report of a month.

    Attributes:
        name: what makes two reports the same.
        html: the whole file.
        metrics: its figures.
        tags: month, verdict.
        description: the verdict in a sentence.
        at: until when it looked.
    """

    name: str
    html: str
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    description: str
    at: datetime


class Tracking:
    """A connection to one experiment of the tracking server."""

    def __init__(self, client: MlflowClient, experiment_id: str) -> None:
        self._client = client
        self._experiment_id = experiment_id

    @classmethod
    def connect(cls, settings: TrainSettings) -> "Tracking":
        """Find the experiment, or create it.

        Raises:
            TrackingUnavailable: the server does not answer within seconds.
        """
        # By its own defaults the client retries for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        with _reaching(settings.tracking_uri):
            mlflow.set_tracking_uri(settings.tracking_uri)
            client = MlflowClient(settings.tracking_uri)
            found = client.get_experiment_by_name(settings.experiment)
            return cls(client, found.experiment_id if found else client.create_experiment(settings.experiment))

    def record(self, training: TrainingRecord) -> str:
        """Log a training and register its package, once; a run that was killed half way is closed as failed.

        Returns:
            The id of the finished run.

        Raises:
            TrackingUnavailable: the server stopped answering; recording again is safe.
        """
        with _reaching("the tracking server"):
            finished = self._runs(training.train_key, "FINISHED")
            if finished and self._version_of(training.model, training.package.name):
                return finished[0].info.run_id
            for killed in self._runs(training.train_key, "RUNNING"):
                log.warning("tracking.run_was_killed", extra={"run_id": killed.info.run_id})
                self._client.set_terminated(killed.info.run_id, "FAILED")
            tags = {"train_key": training.train_key, "package": training.package.name, **training.tags}
            run = self._client.create_run(self._experiment_id, tags=tags, run_name=training.package.name[:12])
            with mlflow.start_run(run_id=run.info.run_id):
                self._log(run.info.run_id, training)
            return run.info.run_id

    def annotate(self, run_id: str, judgement: JudgementRecord) -> None:
        """Add to a recorded run what is known only after it; a later judgement's values come after an earlier one's.

        Raises:
            TrackingUnavailable: the server stopped answering; annotating again is safe.
        """
        with _reaching("the tracking server"):
            for key, value in judgement.tags.items():
                self._client.set_tag(run_id, key, value)
            self._client.set_tag(run_id, _NOTE, judgement.description)
            self._log_metrics(run_id, {key: [value] for key, value in judgement.metrics.items()})
            self._log_files(run_id, judgement.reports, judgement.plots)
            self._describe(judgement)

    def compare(self, comparison: ComparisonRecord) -> str:
        """Log several judged models side by side, once; returns the id of the run.

        Raises:
            TrackingUnavailable: the server stopped answering; comparing again is safe.
        """
        with _reaching("the tracking server"):
            query = f"tags.comparison_key = '{comparison.key}' and attributes.status = 'FINISHED'"
            if found := self._client.search_runs([self._experiment_id], query, max_results=1):
                return found[0].info.run_id
            tags = {"comparison_key": comparison.key, _NOTE: comparison.description, **comparison.tags}
            run_id = self._client.create_run(self._experiment_id, tags=tags, run_name="comparison").info.run_id
            self._log_metrics(run_id, {key: [value] for key, value in comparison.metrics.items()})
            self._log_files(run_id, comparison.reports, comparison.plots)
            self._client.set_terminated(run_id, "FINISHED")
            return run_id

    def keep_report(self, report: ReportRecord) -> str:
        """Log a report into the run of its name, whose file it replaces; returns the id of the run.

        Raises:
            TrackingUnavailable: the server stopped answering; keeping it again is safe.
        """
        with _reaching("the tracking server"):
            found = self._client.search_runs([self._experiment_id], f"tags.report = '{report.name}'", max_results=1)
            tags = {"report": report.name, _NOTE: report.description, **report.tags}
            run = found[0] if found else self._client.create_run(self._experiment_id, tags=tags, run_name=report.name)
            run_id, moment = run.info.run_id, int(report.at.timestamp() * 1000)
            for key, value in tags.items():
                self._client.set_tag(run_id, key, value)
            # A figure of the same moment is the same point: logged again it is not there twice.
            points = [Metric(key, float(value), moment, 0) for key, value in report.metrics.items()]
            self._client.log_batch(run_id, metrics=points)
            self._client.log_text(run_id, report.html, "report.html")
            self._client.set_terminated(run_id, "FINISHED")
            return run_id

    def mirror(self, model: str, *, champion: str | None, previous: str | None, challenger: str | None) -> None:
        """Point the aliases of ``model`` at the versions that hold these packages, and drop the others.

        Raises:
            TrackingUnavailable: the server stopped answering; mirroring again is safe.
        """
        wanted = {CHAMPION: champion, PREVIOUS: previous, CHALLENGER: challenger}
        with _reaching("the tracking server"):
            for alias, sha in wanted.items():
                version = self._version_of(model, sha) if sha else None
                if version is not None:
                    self._client.set_registered_model_alias(model, alias, version.version)
                elif self._aliased(model, alias):
                    self._client.delete_registered_model_alias(model, alias)

    def challenger_of(self, model: str) -> str | None:
        """The package that the alias ``challenger`` stands for.

        Raises:
            TrackingUnavailable: the server does not answer.
        """
        with _reaching("the tracking server"):
            version = self._aliased(model, CHALLENGER)
            return version.tags.get("package") if version else None

    def registered(self) -> list[Registered]:
        """Every version in the model registry.

        Raises:
            TrackingUnavailable: the server does not answer.
        """
        with _reaching("the tracking server"):
            return [one for model in self._model_names() for one in self._versions_of(model)]

    def weigh(self, one: Registered) -> int:
        """Bytes of a version's files on the server.

        Raises:
            TrackingUnavailable: the server does not answer.
        """
        with _reaching("the tracking server"):
            return _bytes_in(get_artifact_repository(self._logged(one).artifact_location))

    def drop(self, one: Registered) -> None:
        """Delete a version and its files; its run stays, with figures, reports and plots.

        Raises:
            TrackingUnavailable: the server stopped answering; dropping again is safe.
        """
        with _reaching("the tracking server"):
            logged = self._logged(one)
            get_artifact_repository(logged.artifact_location).delete_artifacts()
            self._client.delete_model_version(one.model, one.version)
            self._client.delete_logged_model(logged.model_id)

    def _logged(self, one: Registered) -> LoggedModel:
        source = self._client.get_model_version(one.model, one.version).source or ""
        return self._client.get_logged_model(source.removeprefix("models:/"))

    def _model_names(self) -> Iterator[str]:
        token = None
        while token != "":
            page = self._client.search_registered_models(page_token=token)
            yield from (model.name for model in page)
            token = page.token or ""

    def _versions_of(self, model: str) -> list[Registered]:
        aliased = set(self._client.get_registered_model(model).aliases.values())
        return [
            Registered(
                model=model,
                version=str(one.version),
                package=one.tags.get("package"),
                has_alias=str(one.version) in {str(version) for version in aliased},
                made_at=one.creation_timestamp / 1000,
            )
            for one in self._client.search_model_versions(f"name = '{model}'")
        ]

    def _describe(self, judgement: JudgementRecord) -> None:
        """Tell on the registered version's page what it is and what was decided about it."""
        version = self._version_of(judgement.model, judgement.package)
        if version is not None:
            self._client.update_model_version(judgement.model, version.version, judgement.description)
            for key, value in judgement.tags.items():
                self._client.set_model_version_tag(judgement.model, version.version, key, value)

    def _runs(self, train_key: str, status: str) -> list[Run]:
        query = f"tags.train_key = '{train_key}' and attributes.status = '{status}'"
        return list(self._client.search_runs([self._experiment_id], query, order_by=["attributes.start_time DESC"]))

    def _version_of(self, model: str, sha: str) -> ModelVersion | None:
        found = self._client.search_model_versions(f"name = '{model}' and tags.package = '{sha}'")
        return max(found, key=lambda version: int(version.version), default=None)

    def _aliased(self, model: str, alias: str) -> ModelVersion | None:
        try:
            return self._client.get_model_version_by_alias(model, alias)
        except MlflowException as error:
            if error.error_code in _OURS_TO_MEND:  # no such alias, or no such model yet
                return None
            raise

    def _log(self, run_id: str, training: TrainingRecord) -> None:
        self._client.log_batch(run_id, params=[Param(key, str(value)) for key, value in training.params.items()])
        self._log_metrics(run_id, {key: [value] for key, value in training.metrics.items()} | dict(training.curves))
        self._log_files(run_id, training.reports, training.plots)
        for name, path in training.files.items():
            self._client.log_artifact(run_id, str(path), str(PurePosixPath(name).parent))
        self._register(training)

    def _log_files(self, run_id: str, reports: Mapping[str, str], figures: Mapping[str, Figure]) -> None:
        for name, text in reports.items():
            self._client.log_text(run_id, text, name)
        for name, figure in figures.items():
            self._client.log_figure(run_id, figure, f"plots/{name}")

    def _log_metrics(self, run_id: str, series: Mapping[str, Sequence[float]]) -> None:
        now = int(time.time() * 1000)
        points = [Metric(key, float(v), now, step) for key, values in series.items() for step, v in enumerate(values)]
        for start in range(0, len(points), _BATCH):
            self._client.log_batch(run_id, metrics=points[start : start + _BATCH])

    def _register(self, training: TrainingRecord) -> None:
        if self._version_of(training.model, training.package.name) is not None:
            return  # another training gave the same package
        with warnings.catch_warnings():
            # The signature is written down above; an example would be run through the model once more.
            warnings.filterwarnings("ignore", message=".*input example was not provided", category=UserWarning)
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(_SERVED),
                artifacts={"package": str(training.package)},
                code_paths=[str(_CODE / room) for room in ("core", "preprocessing", "inference")],
                model_config={"encoders_folder": str(training.package.parent.resolve())},
                signature=SIGNATURE,
                pip_requirements=[f"{name}=={installed_version(name)}" for name in _NEEDED],
            )
        mlflow.register_model(logged.model_uri, training.model, tags={"package": training.package.name})


def _bytes_in(files: ArtifactRepository, folder: str | None = None) -> int:
    return sum(_bytes_in(files, one.path) if one.is_dir else one.file_size or 0 for one in files.list_artifacts(folder))


@contextlib.contextmanager
def _reaching(what: str) -> Iterator[None]:
    """Turn a silent server into our own error, and keep what the client prints off standard output."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except MlflowException as error:
        if error.error_code in _OURS_TO_MEND:
            raise
        raise TrackingUnavailable(f"{what} does not answer: {_first_line(error)}") from error
    except OSError as error:  # requests' own errors are OSErrors
        raise TrackingUnavailable(f"{what} does not answer: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.split(" failed with exception")[0][:300]
