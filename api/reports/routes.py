"""The monthly reports: which there are, and each as the page that it is."""

from fastapi import APIRouter
from fastapi.responses import Response

from api.deps import PartsDep, ReviewerDep, open_to
from api.errors import problems
from api.reports.schemas import ReportList, ReportRead
from api.strict import StrictRoute
from core import reports

router = APIRouter(tags=["reports"], route_class=StrictRoute)

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox"
)
"""A page that asks for nothing and runs nothing; the figures' own colours are inline styles."""


@router.get("/reports", responses=problems(401, 403, 503), openapi_extra=open_to("reviewer"))
def list_reports(reviewer: ReviewerDep, parts: PartsDep) -> ReportList:
    """Every report that has been written, the newest month first."""
    return ReportList(items=[ReportRead.of(report) for report in reports.every(parts.settings.store.reports)])


@router.get(
    "/reports/{name}",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}, **problems(401, 403, 404, 422, 503)},
    openapi_extra=open_to("reviewer"),
)
def read_report(name: str, reviewer: ReviewerDep, parts: PartsDep) -> Response:
    """One report, a self-contained HTML page: figures of the month, what follows from them, and the verdict."""
    report = reports.find(parts.settings.store.reports, name)
    headers = {
        "Content-Security-Policy": _POLICY,
        "Content-Disposition": f'inline; filename="{report.name}.html"',
    }
    return Response(report.path.read_bytes(), media_type="text/html; charset=utf-8", headers=headers)
