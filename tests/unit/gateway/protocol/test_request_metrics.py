"""The gateway's requests in its metrics."""

from contextlib import suppress

import pytest
from fastapi import APIRouter, FastAPI
from starlette.types import Message

from imageferry.gateway.protocol.request_metrics import RequestMetricsMiddleware
from imageferry.telemetry.metrics import Metrics
from tests.drivers.metric_values import parse_metrics

COUNT = "http_request_duration_seconds_count"


async def measure(method: str, path: str) -> dict[tuple[str, ...], float]:
    """Send one request; return the values of the metrics."""
    metrics = Metrics()
    app = FastAPI()
    app.add_middleware(RequestMetricsMiddleware, observe=metrics.observe_request)
    router = APIRouter(prefix="/jobs")

    @router.get("/{job_id}")
    async def job(job_id: str) -> str:
        if job_id == "broken":
            raise RuntimeError("broken")
        return job_id

    app.include_router(router, prefix="/api")
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    with suppress(RuntimeError):  # raised again once the error response is sent
        await app(scope, _receive, _discard)
    return parse_metrics(metrics.exposition().decode())


async def _receive() -> Message:
    return {"type": "http.request"}


async def _discard(message: Message) -> None:
    """Stand for a client that ignores the response."""


async def test_requests_of_one_route_share_their_label() -> None:
    assert (await measure("GET", "/api/jobs/17"))[COUNT, "GET", "/api/jobs/{job_id}", "200"] == 1


async def test_a_request_that_fails_has_status_500() -> None:
    assert (await measure("GET", "/api/jobs/broken"))[COUNT, "GET", "/api/jobs/{job_id}", "500"] == 1


@pytest.mark.parametrize(("method", "label"), [("GET", "GET"), ("BREW", "OTHER")])
async def test_clients_cannot_create_labels(method: str, label: str) -> None:
    assert (await measure(method, "/no/such/path"))[COUNT, label, "unmatched", "404"] == 1
