"""The monitor's page, and the same without its frame for a page that keeps itself fresh."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from api.deps import Parts, PartsDep
from api.taxonomy import NoTaxonomy
from api.web.monitor import answers, history, standing
from api.web.page import PageRoute, ReviewerVisitorDep, Visitor, as_data, render
from core import reports
from core.db.repositories import quality

router = APIRouter(route_class=PageRoute, include_in_schema=False)

RANGES = (7, 30, 90)


class MonitorQuery(BaseModel):
    """How far back somebody wants to look, in days."""

    model_config = ConfigDict(extra="forbid")

    days: Literal["7", "30", "90"] = "30"


@router.get("/monitor")
def show_monitor(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[MonitorQuery, Query()], parts: PartsDep
) -> Response:
    """Is the loop healthy, and what needs a person?"""
    return render(request, visitor, "monitor/page.html", **_context(parts, visitor, int(asked.days)))


@router.get("/monitor/parts")
def show_parts(
    request: Request, visitor: ReviewerVisitorDep, asked: Annotated[MonitorQuery, Query()], parts: PartsDep
) -> Response:
    """What of the page changes with time."""
    return render(request, visitor, "monitor/parts.html", **_context(parts, visitor, int(asked.days)))


def _context(parts: Parts, visitor: Visitor, days: int) -> dict[str, Any]:
    found, texts = parts.trends.read(days), visitor.texts
    with parts.readers() as session:
        alarms = standing.alarms_of(list(quality.episodes(session)), texts)
    lasting = [alarm for alarm in alarms if alarm.ended_at is None]
    said, tone = standing.summary(found, len(lasting), texts)
    return {
        "days": days,
        "ranges": RANGES,
        "at": found.at,
        "summary": said,
        "summary_tone": tone,
        "stages": standing.stages_of(found, texts),
        "needs": standing.needs_of(found, texts),
        "alarms": alarms,
        "charts": history.charts_of(found, texts) + answers.charts_of(found, texts, _namer(parts, visitor)),
        "as_data": as_data,
        "latency_since": found.latency_since,
        "runs": standing.runs_of(found, texts),
        "reports": reports.every(parts.settings.store.reports),
        "pages": _pages(parts),
    }


def _namer(parts: Parts, visitor: Visitor) -> Callable[[int], str]:
    """Categories in the visitor's language; a code that has left the taxonomy is its own name."""
    try:
        taxonomy = parts.taxonomy.current()
    except NoTaxonomy:
        return str

    def name(code: int) -> str:
        if code not in taxonomy:
            return ""
        known = taxonomy.require(code)
        return known.label_fr if visitor.language == "fr" else known.label

    return name


def _pages(parts: Parts) -> dict[str, str]:
    """Where the other programs' own pages are, those that are configured."""
    serving = parts.settings.serving
    known = {"Airflow": serving.airflow_page, "MLflow": serving.mlflow_page, "Grafana": serving.grafana_page}
    return {name: address for name, address in known.items() if address}
