"""Security headers, and what pages of other sites can do."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from imageferry.settings import Settings
from tests.drivers.gateway_process import GatewayClient, running_gateway

TOKEN = "correct-horse-battery-staple"
ALLOWED_SITE, OTHER_SITE = "https://photos.example", "https://evil.example"
NOWHERE = "http://127.0.0.1:9"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


def settings(tmp_path: Path, **overrides: object) -> Settings:
    return Settings.load(
        home=tmp_path / "home",
        port=0,
        google_drive_endpoint=NOWHERE,
        google_drive_web_endpoint=NOWHERE,
        **overrides,
    )


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayClient]:
    gateway_settings = settings(tmp_path, api_token=TOKEN, cors_origins=(ALLOWED_SITE,), imports_per_minute=20)
    async with running_gateway(gateway_settings) as gateway:
        yield gateway


REQUESTS: list[tuple[str, str, dict[str, str]]] = [
    ("GET", "/", {}),
    ("GET", "/health", {}),
    ("GET", "/api/jobs", {}),
    ("GET", "/images", {}),
    ("GET", "/nothing", {}),
    ("GET", "/metrics", {}),
    ("GET", "/api/images?page=-1", {}),
    ("GET", "/api/jobs", {"Authorization": ""}),
    ("GET", "/api/jobs", {"Host": OTHER_SITE}),
    ("POST", "/api/import/google-drive", {"Origin": OTHER_SITE}),
    ("PUT", "/api/jobs", {}),
]


async def test_every_response_has_the_security_headers(gateway: GatewayClient) -> None:
    for method, path, headers in REQUESTS:
        async with gateway.session.request(method, path, headers=headers) as response:
            policy = response.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["Referrer-Policy"] == "same-origin"
            assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Server" not in response.headers


async def test_an_allowed_site_can_send_requests_with_a_token_or_a_session(gateway: GatewayClient) -> None:
    headers = {"Origin": ALLOWED_SITE, "Authorization": ""} | PREFLIGHT
    async with gateway.session.options("/api/import/google-drive", headers=headers) as response:
        assert response.status == 200
        assert response.headers["Access-Control-Allow-Origin"] == ALLOWED_SITE
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
    async with gateway.session.get("/api/jobs", headers={"Origin": ALLOWED_SITE, "Authorization": ""}) as response:
        assert response.status == 401
        assert response.headers["Access-Control-Allow-Origin"] == ALLOWED_SITE  # so that its page can read the error
        assert response.headers["Vary"] == "Origin"
    async with gateway.session.post("/api/import/google-drive", json={}, headers={"Origin": ALLOWED_SITE}) as response:
        assert response.status == 400  # because of its body, not its origin


async def test_an_allowed_site_can_resume_an_interrupted_download(gateway: GatewayClient) -> None:
    preflight = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "range,if-range"}
    async with gateway.session.options(
        "/api/images/1/content", headers={"Origin": ALLOWED_SITE} | preflight
    ) as response:
        assert response.status == 200


async def test_other_sites_cannot_send_requests(gateway: GatewayClient) -> None:
    async with gateway.session.options("/api/jobs", headers={"Origin": OTHER_SITE} | PREFLIGHT) as response:
        assert response.status == 400
        assert "Access-Control-Allow-Origin" not in response.headers
    async with gateway.session.get("/api/jobs", headers={"Origin": OTHER_SITE}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_any_site_can_send_requests_if_all_are_allowed_but_without_a_session(
    tmp_path: Path,
) -> None:
    gateway_settings = settings(tmp_path, api_token=TOKEN, cors_origins=("*",))
    async with (
        running_gateway(gateway_settings) as gateway,
        gateway.session.get("/api/jobs", headers={"Origin": OTHER_SITE}) as response,
    ):
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("path", "burst"), [("/api/import/preview", 30), ("/api/import/google-drive", 20), ("/api/images/archive", 10)]
)
async def test_expensive_requests_are_rate_limited(gateway: GatewayClient, path: str, burst: int) -> None:
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 3 * burst:  # a few more are allowed as time passes
        async with gateway.session.post(path, json={}) as response:
            statuses.append(response.status)
    assert statuses == [400] * (len(statuses) - 1) + [429]
    assert len(statuses) > burst
    assert int(response.headers["Retry-After"]) >= 1
