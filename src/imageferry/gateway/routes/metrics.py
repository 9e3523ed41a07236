"""Metrics, in Prometheus's own form."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from imageferry.catalog.jobs.backlog import backlog
from imageferry.gateway.dependencies import Here
from imageferry.gateway.protocol.streaming import streamed
from imageferry.telemetry.metrics import CONTENT_TYPE, Metrics

router = APIRouter(tags=["health"])


def _of_this_process(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


@router.get("/metrics", response_class=Response, responses=streamed("text/plain"))
async def metrics(gateway: Here, ours: Annotated[Metrics, Depends(_of_this_process)]) -> Response:
    """What this process has moved, and how much work the catalog holds."""
    ours.show_backlog(await gateway.read(lambda tx: list(backlog(tx))))
    return Response(ours.exposition(), media_type=CONTENT_TYPE)
