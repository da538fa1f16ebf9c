"""Wiring: the one place where the service's parts are made and joined."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from fastapi import FastAPI

import api.accounts.routes
import api.docs.routes
import api.evidence.routes
import api.feedback.routes
import api.health.routes
import api.lineage.routes
import api.models.routes
import api.predictions.routes
import api.problems.routes
import api.quality.routes
import api.reports.routes
import api.reserve.routes
import api.retractions.routes
import api.retraining.routes
import api.review.routes
import api.sessions.routes
import api.trends.routes
import api.web.page
import api.web.routes
from api import errors
from api.accounts.eraser import Eraser
from api.accounts.secrets import require_private_passwords
from api.accounts.service import AccountService
from api.deadline import guard_commits
from api.decoding import Decoder, DecoderPool
from api.deps import Parts
from api.docs import schema
from api.drain import Drain
from api.edge import BodyLimit, Edge
from api.evidence.guidelines import GuidelinesFile
from api.evidence.keeper import IndexKeeper
from api.evidence.service import EvidenceDesk
from api.health.scheduler import Scheduler
from api.health.service import HealthService
from api.metrics.http import Observed
from api.metrics.instruments import WORKERS_FOLDER, Instruments
from api.metrics.listener import MetricsListener, figures_of_process
from api.predictions.admission import Admission, Crowd, Reception
from api.serving.airflow import Airflow
from api.serving.engine import ModelLoader, ServingEngine
from api.serving.packages import package_loader
from api.serving.wake import Waker
from api.sessions.service import SessionService
from api.settings import ServiceSettings
from api.taxonomy import TaxonomyFile
from api.trends.service import TrendsService
from core.db.session import make_engine, make_readers, make_sessions
from core.reserve import Reserve
from core.settings import ServingSettings
from core.store.shelf import Shelf
from preprocessing.decoder import Limits
from preprocessing.images import ImageFolder

_ROOMS = (
    api.accounts,
    api.sessions,
    api.predictions,
    api.feedback,
    api.lineage,
    api.review,
    api.evidence,
    api.retractions,
    api.retraining,
    api.models,
    api.reports,
    api.reserve,
    api.quality,
    api.trends,
    api.health,
    api.problems,
    api.docs,
)
_FORM_MARGIN = 256 * 1024  # bytes around an image: the texts and the multipart frame
_LONG_BODY_S = 60.0
_SMALL_BODY = BodyLimit(64 * 1024, 10.0)  # enough for every body that carries no image
_MOST_AT_ONCE = 256  # whole requests under way; 40 of them have a thread
_MOST_BODIES = 96  # long ones arriving at once; the first megabyte of each is in memory, the rest on the disk
_MOST_BODIES_EACH = 16  # of one account
_FIRST_LOOK_S = 20.0


def create_app(
    settings: ServiceSettings | None = None, *, load_model: ModelLoader | None = None, decoder: Decoder | None = None
) -> FastAPI:
    """The application; its background threads run between start-up and shutdown.

    Args:
        settings: None reads them from the environment.
        load_model: loads one package; None loads from the store's ``packages`` folder.
        decoder: decodes uploads; None starts processes for it.

    Raises:
        pydantic.ValidationError: a setting is missing or out of bounds.
        WeakKey: a signing key can be guessed.
        KnownPassword: a server on another machine has a password that everybody tries first.
    """
    settings = settings or ServiceSettings.from_environment()
    parts = make_parts(settings, load_model, decoder or make_decoder(settings.serving))
    app = FastAPI(
        title="Etalon",
        version="0.1.0",
        description="Classify products, review the answers, retrain on the verdicts.",
        lifespan=_lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    errors.install(app)
    schema.install(app)
    # The pages first: they take a browser's requests only, also where a JSON route has the same address.
    app.include_router(api.web.routes.router)
    for room in _ROOMS:
        app.include_router(room.routes.router)
    app.mount(api.docs.routes.ASSETS_PATH, api.docs.routes.ASSETS)
    app.mount(api.web.page.STATIC_PATH, api.web.routes.ASSETS)
    app.include_router(api.web.routes.nowhere)
    app.add_middleware(
        Edge,
        body_limits={"/predict": BodyLimit(settings.serving.max_upload_bytes + _FORM_MARGIN, _LONG_BODY_S)},
        default_limit=_SMALL_BODY,
        gates={("POST", "/predict"): parts.admission},
        drain=parts.drain,
    )
    app.add_middleware(Observed, instruments=parts.instruments, serving=parts.serving)  # last is outermost
    return app


def make_decoder(serving: ServingSettings) -> DecoderPool:
    """The processes that decode uploads; none is started."""
    limits = Limits.for_photos(serving.max_upload_bytes, serving.max_image_pixels, serving.decode_timeout_s)
    return DecoderPool(limits, serving.decoders, patience_s=serving.decode_timeout_s)


def make_parts(settings: ServiceSettings, load_model: ModelLoader | None, decoder: Decoder) -> Parts:
    """Make every part that lives as long as the process; nothing is started."""
    require_private_passwords(settings.database, settings.loop)
    settings.store.images.mkdir(parents=True, exist_ok=True)
    database = make_engine(settings.database)
    sessions, readers = make_sessions(database), make_readers(database)
    guard_commits(sessions)
    instruments = Instruments()
    load = load_model or package_loader(settings.store.packages, settings.serving.inference_threads)
    taxonomy, drain = TaxonomyFile(settings.store.root / "taxonomy.csv"), Drain()
    serving = ServingEngine(readers, load, settings.serving.poll_s, instruments)
    accounts = AccountService(sessions, readers, settings.auth)
    scheduler = Scheduler(settings.loop.airflow_url)
    admission = Admission(settings.serving.places(), settings.serving.latency_budget_s, instruments)
    images, shelf = ImageFolder(settings.store.images), Shelf(settings.store.training)
    keeper = IndexKeeper(serving, shelf, settings.store.features)
    return Parts(
        settings=settings,
        database=database,
        sessions=sessions,
        readers=readers,
        accounts=accounts,
        browsers=SessionService(sessions, readers, accounts, settings.auth),
        eraser=Eraser(sessions, readers),
        images=images,
        decoder=decoder,
        health=HealthService(readers, settings.store.root, taxonomy, serving, decoder, scheduler, drain),
        taxonomy=taxonomy,
        reserve=Reserve(settings.store.reserve),
        serving=serving,
        admission=admission,
        crowd=Crowd(_MOST_AT_ONCE),
        reception=Reception(_MOST_BODIES, _MOST_BODIES_EACH),
        drain=drain,
        instruments=instruments,
        trends=TrendsService(readers, serving, instruments, settings.loop, settings.store.reports),
        shelf=shelf,
        evidence=EvidenceDesk(readers, serving, shelf, keeper, images, admission),
        guidelines=GuidelinesFile(settings.store.root / "guidelines.csv"),
    )


def make_waker(parts: Parts) -> tuple[Waker, Airflow] | None:
    """The alarm clock; None where no orchestrator is configured."""
    loop = parts.settings.loop
    if not loop.airflow_url:
        return None
    password = loop.airflow_password.get_secret_value() if loop.airflow_password else ""
    airflow = Airflow(loop.airflow_url, loop.airflow_user, password)
    return Waker(parts.readers, airflow.announce, loop), airflow


def make_metrics(parts: Parts) -> MetricsListener | None:
    """The figures' own port; None where none is configured, and in a worker: whoever started it listens for all."""
    serving = parts.settings.serving
    if serving.metrics_port is None or WORKERS_FOLDER in os.environ:
        return None
    registry = figures_of_process(parts.instruments, parts.readers)
    return MetricsListener(registry, serving.metrics_host, serving.metrics_port)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Parts = app.state.parts
    alarm, metrics = make_waker(parts), make_metrics(parts)
    if metrics:
        metrics.start()
    parts.decoder.start()
    parts.serving.start()
    parts.eraser.start()
    parts.evidence.keeper.start()
    if alarm:
        alarm[0].start()
    if WORKERS_FOLDER in os.environ:
        await _first_look(parts.serving)
    try:
        yield
    finally:
        if alarm:
            alarm[0].stop()
            alarm[1].close()
        if metrics:
            metrics.stop()
        parts.serving.stop()
        parts.eraser.stop()
        parts.evidence.keeper.stop()
        parts.accounts.turnstile.close()
        parts.decoder.stop()
        parts.database.dispose()


async def _first_look(serving: ServingEngine) -> None:
    """Let one of several workers accept nobody before it knows what it serves: the others answer meanwhile.

    Not for ever: without a database they are all to say so.
    """
    with anyio.move_on_after(_FIRST_LOOK_S):
        while not serving.looked:
            await anyio.sleep(_FIRST_LOOK_S / 400)
