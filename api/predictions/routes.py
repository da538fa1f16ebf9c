"""Asking for a prediction, and reading predictions back."""

from datetime import UTC, timedelta
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Response
from fastapi.responses import StreamingResponse

from api.deps import CallerDep, Parts, PartsDep, TaxonomyDep, open_to
from api.errors import problems
from api.predictions import export
from api.predictions.queries import FilterQuery, PageQuery
from api.predictions.schemas import ModelName, PredictForm, PredictionPage, PredictionRead
from api.predictions.service import NoImage, PredictionDesk, Submission, erase, find, is_erased, list_page, stage
from api.requests import IdempotencyKey, TermsDep
from api.strict import StrictRoute
from core import failpoints
from core.db.session import transact
from core.errors import Invalid
from core.stages import timed

router = APIRouter(tags=["predictions"], route_class=StrictRoute)


class TwoModels(Invalid):
    """The address and the form name different models."""

    code = "model.named_twice"


async def get_desk(parts: PartsDep) -> PredictionDesk:
    """The desk that takes submissions."""
    return PredictionDesk(parts.readers, parts.serving, parts.images, parts.decoder.decode)


DeskDep = Annotated[PredictionDesk, Depends(get_desk)]


@router.post(
    "/predict",
    status_code=201,
    responses=problems(400, 401, 408, 409, 413, 415, 422, 503),
    openapi_extra=open_to("customer"),
)
def predict(
    form: Annotated[PredictForm, Form(media_type="multipart/form-data")],
    caller: CallerDep,
    desk: DeskDep,
    taxonomy: TaxonomyDep,
    parts: PartsDep,
    response: Response,
    model: ModelName | None = None,
    idempotency_key: IdempotencyKey = None,
) -> PredictionRead:
    """Classify a product and stage the answer for review.

    The model is named in the address or in the form, or in neither: then the default one answers.
    Without a photo the answer is by the text alone; without a designation, which only models of photos take, by the
    photo alone. Sending the same `Idempotency-Key` with the same content again answers with the same prediction.
    """
    submission = _submission(form, model, idempotency_key, parts)
    row = desk.repeated(submission, caller)
    if row is None:
        new = desk.answer(submission, caller)
        with timed("store"):
            row = transact(parts.sessions, lambda session: stage(session, new, submission, caller))
        failpoints.reach("predict.staged")
        parts.instruments.predicted(row.model_name, row.model_version, row.suggested_code, row.confidence)
    response.headers["Location"] = f"/predictions/{row.id}"
    response.headers["ETag"] = f'"{row.version}"'
    return PredictionRead.from_row(row, taxonomy, top_k=form.top_k)


def _submission(form: PredictForm, model: str | None, idempotency_key: str | None, parts: Parts) -> Submission:
    named = form.model or model or None
    if model and model != named:
        raise TwoModels("The address and the form name two models. Name one.")
    image = None
    if form.image is not None:
        # One byte more than allowed is enough to be refused for.
        image = form.image.file.read(parts.settings.serving.max_upload_bytes + 1)
        if not image and not form.image.filename:  # a browser's empty file field
            image = None
    return Submission(form.designation or "", form.description or None, image, named, form.top_k, idempotency_key)


@router.get("/predictions", responses=problems(401, 403, 422, 503), openapi_extra=open_to("customer"))
def list_predictions(
    query: Annotated[PageQuery, Query()], caller: CallerDep, parts: PartsDep, taxonomy: TaxonomyDep
) -> PredictionPage:
    """The caller's predictions; everybody's for reviewers and admins.

    Whoever polls asks with `updated_since` for what has changed, reads on while there is a `next_cursor`, and asks
    next time with the `next_since` of this time. `second_opinion=true` asks for accepted labels that look wrong: an
    admin corrects, retracts or keeps them.
    """
    wanted = query.to_filter(caller)
    with parts.readers() as session:
        page = list_page(session, wanted, order=query.sorted_by, cursor=query.cursor, limit=query.limit)
    next_since = page.begun_at - timedelta(seconds=parts.settings.serving.hold_back_s)
    return PredictionPage(
        items=[PredictionRead.from_row(row, taxonomy) for row in page.rows],
        next_cursor=page.next_cursor,
        next_since=next_since.replace(tzinfo=UTC),
    )


@router.get(
    "/predictions.csv",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}, **problems(401, 403, 422, 503)},
    openapi_extra=open_to("customer"),
)
def export_predictions(
    query: Annotated[FilterQuery, Query()], caller: CallerDep, parts: PartsDep, taxonomy: TaxonomyDep
) -> StreamingResponse:
    """The same as a list, all of it, oldest first, as one CSV for spreadsheets.

    Text that a spreadsheet would take for a formula has an apostrophe before it. A file that was cut off ends without
    the last part of its chunked encoding: whoever downloads it sees an error.
    """
    pieces = export.write(parts.readers, query.to_filter(caller), taxonomy)
    first = next(pieces)  # what can be refused is refused before the answer begins
    headers = {"Content-Disposition": 'attachment; filename="predictions.csv"'}
    return StreamingResponse(chain((first,), pieces), media_type="text/csv", headers=headers)


@router.get("/predictions/{prediction_id}", responses=problems(401, 404, 422, 503), openapi_extra=open_to("customer"))
def read_prediction(
    prediction_id: str, caller: CallerDep, parts: PartsDep, taxonomy: TaxonomyDep, response: Response
) -> PredictionRead:
    """One prediction. Its `ETag` is its version, for `If-Match`."""
    with parts.readers() as session:
        row = find(session, prediction_id, caller)
    response.headers["ETag"] = f'"{row.version}"'
    return PredictionRead.from_row(row, taxonomy)


@router.get(
    "/predictions/{prediction_id}/image",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}, **problems(401, 404, 422, 503)},
    openapi_extra=open_to("customer"),
)
def read_image(prediction_id: str, caller: CallerDep, parts: PartsDep) -> Response:
    """The photo that the model saw: upright, re-encoded, without metadata."""
    with parts.readers() as session:
        row = find(session, prediction_id, caller)
    if row.image_sha256 is None:
        raise NoImage("This prediction was made from text alone.")
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(parts.images.get(row.image_sha256), media_type="image/jpeg", headers=headers)


@router.delete(
    "/predictions/{prediction_id}",
    status_code=204,
    responses={202: {"description": "Accepted"}, **problems(401, 403, 404, 409, 412, 422, 503)},
    openapi_extra=open_to("customer"),
)
def delete_prediction(prediction_id: str, caller: CallerDep, parts: PartsDep, terms: TermsDep) -> Response:
    """Erase a prediction: one's own, a pending one for reviewers, any for admins.

    204: nothing of it is left. 202: it was accepted before; the next snapshot is without it, and its text and
    photo go then.
    """
    gone = terms.settle(
        parts.sessions,
        actor_id=caller.id,
        request=("delete", prediction_id),
        decide=lambda session: erase(session, prediction_id, caller, if_version=terms.if_version),
        repeated=lambda session: is_erased(session, prediction_id),
    )
    failpoints.reach("verdict.committed")
    return Response(status_code=204 if gone else 202)
