"""Behind a reverse proxy: other host names, a root path, and forwarded headers, which only trusted proxies may set."""

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import on_free_port, running_gateway
from tests.drivers.import_flow import ImportFlow

TOKEN = "correct-horse-battery-staple"
FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Host": "photos.example"}


async def test_another_host_name_is_accepted_if_it_is_allowed(flow: ImportFlow) -> None:
    flow.setting_overrides["allowed_hosts"] = ("photos.example",)
    async with running_gateway(on_free_port(flow)) as gateway:
        for host, status in (("photos.example", 200), ("PHOTOS.example:443", 200), ("evil.example", 400)):
            async with gateway.session.get("/api/jobs", headers={"Host": host}) as response:
                assert response.status == status
        headers = {"Host": "photos.example", "Origin": "https://photos.example"}
        async with gateway.session.post("/api/import/google-drive", json={}, headers=headers) as response:
            assert response.status == 400  # because of its body, not its origin


async def test_any_host_name_can_be_allowed(flow: ImportFlow) -> None:
    flow.setting_overrides["allowed_hosts"] = ("*",)
    async with (
        running_gateway(on_free_port(flow)) as gateway,
        gateway.session.get("/health", headers={"Host": "x.y"}) as response,
    ):
        assert response.status == 200


async def test_a_session_cookie_is_secure_behind_a_trusted_https_proxy(flow: ImportFlow) -> None:
    flow.setting_overrides |= {"allowed_hosts": ("photos.example",), "api_token": TOKEN}
    for trusted in ((), ("127.0.0.0/8",), ("10.0.0.1",)):
        flow.setting_overrides["trusted_proxies"] = trusted
        async with (
            running_gateway(on_free_port(flow)) as gateway,
            gateway.session.post("/login", json={"token": TOKEN}, headers=FORWARDED) as response,
        ):
            assert response.status == 204
            assert ("Secure" in response.headers["Set-Cookie"]) == (trusted == ("127.0.0.0/8",))


async def test_login_attempts_behind_a_trusted_proxy_are_limited_per_client(flow: ImportFlow) -> None:
    flow.setting_overrides |= {"api_token": TOKEN, "trusted_proxies": ("127.0.0.1",)}
    async with running_gateway(on_free_port(flow)) as gateway:
        guess = {"Authorization": "Bearer guess"}

        async def guess_status(client: str) -> int:
            async with gateway.session.get("/api/jobs", headers=guess | {"X-Forwarded-For": client}) as response:
                return response.status

        assert 429 in [await guess_status("198.51.100.7") for _ in range(15)]
        assert await guess_status("198.51.100.8") == 401


async def test_below_a_root_path_each_client_gets_its_own_message(tree: Tree, flow: ImportFlow) -> None:
    flow.setting_overrides["root_path"] = "/photos"
    body = {"folder_url": flow.drive.folder_url(tree.folder("Root"))}
    async with running_gateway(on_free_port(flow)) as gateway:
        for path, message in (("/api", "Import started"), ("", "Folder import started")):
            async with gateway.session.post(f"{path}/import/google-drive", json=body) as response:
                assert (await response.json())["message"] == message


async def test_the_root_path_is_part_of_redirects_and_cookies(flow: ImportFlow) -> None:
    flow.setting_overrides |= {"api_token": TOKEN, "root_path": "/photos"}
    async with running_gateway(on_free_port(flow)) as gateway:
        assert gateway.sign_in_url is not None
        link = gateway.sign_in_url.removeprefix(gateway.url)
        async with gateway.session.get(link, headers={"Authorization": ""}, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/photos/")
            assert "Path=/photos/" in response.headers["Set-Cookie"]
        assert (await gateway.get("/api/jobs"))["items"] == []
        async with gateway.session.get("/api/jobs", headers={"Authorization": ""}) as response:
            assert response.status == 401
        async with gateway.session.get("/health", headers={"Authorization": ""}) as response:
            assert response.status == 200
