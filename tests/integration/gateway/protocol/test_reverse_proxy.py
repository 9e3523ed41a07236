"""Behind a proxy: another name, another path, clients that are told by headers; believed only from whom is trusted."""

from imageferry.demo.tree import Tree
from tests.drivers.gateway_process import anywhere, served
from tests.drivers.import_flow import Flow

TOKEN = "correct-horse-battery-staple"
FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https", "Host": "photos.example"}


async def test_another_name_is_answered_once_it_is_allowed(flow: Flow) -> None:
    flow.given["allowed_hosts"] = ("photos.example",)
    async with served(anywhere(flow)) as gateway:
        for host, status in (("photos.example", 200), ("PHOTOS.example:443", 200), ("evil.example", 400)):
            async with gateway.session.get("/api/jobs", headers={"Host": host}) as answer:
                assert answer.status == status
        headers = {"Host": "photos.example", "Origin": "https://photos.example"}
        async with gateway.session.post("/api/import/google-drive", json={}, headers=headers) as answer:
            assert answer.status == 400  # of its body


async def test_any_name_can_be_allowed(flow: Flow) -> None:
    flow.given["allowed_hosts"] = ("*",)
    async with served(anywhere(flow)) as gateway, gateway.session.get("/health", headers={"Host": "x.y"}) as answer:
        assert answer.status == 200


async def test_a_session_over_a_trusted_proxys_https_is_for_https_alone(flow: Flow) -> None:
    flow.given |= {"allowed_hosts": ("photos.example",), "api_token": TOKEN}
    for trusted in ((), ("127.0.0.0/8",), ("10.0.0.1",)):
        flow.given["trusted_proxies"] = trusted
        async with (
            served(anywhere(flow)) as gateway,
            gateway.session.post("/login", json={"token": TOKEN}, headers=FORWARDED) as answer,
        ):
            assert answer.status == 204
            assert ("Secure" in answer.headers["Set-Cookie"]) == (trusted == ("127.0.0.0/8",))


async def test_guesses_of_one_client_behind_a_trusted_proxy_are_not_anothers(flow: Flow) -> None:
    flow.given |= {"api_token": TOKEN, "trusted_proxies": ("127.0.0.1",)}
    async with served(anywhere(flow)) as gateway:
        guess = {"Authorization": "Bearer guess"}

        async def guessed(client: str) -> int:
            async with gateway.session.get("/api/jobs", headers=guess | {"X-Forwarded-For": client}) as answer:
                return answer.status

        assert 429 in [await guessed("198.51.100.7") for _ in range(15)]
        assert await guessed("198.51.100.8") == 401


async def test_below_the_path_of_a_proxy_each_client_is_greeted_as_elsewhere(tree: Tree, flow: Flow) -> None:
    flow.given["root_path"] = "/photos"
    body = {"folder_url": flow.drive.folder_url(tree.folder("Root"))}
    async with served(anywhere(flow)) as gateway:
        for path, message in (("/api", "Import started"), ("", "Folder import started")):
            async with gateway.session.post(f"{path}/import/google-drive", json=body) as answer:
                assert (await answer.json())["message"] == message


async def test_the_path_of_a_proxy_goes_into_addresses_and_cookies(flow: Flow) -> None:
    flow.given |= {"api_token": TOKEN, "root_path": "/photos"}
    async with served(anywhere(flow)) as gateway:
        assert gateway.sign_in_url is not None
        link = gateway.sign_in_url.removeprefix(gateway.url)
        async with gateway.session.get(link, headers={"Authorization": ""}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/photos/")
            assert "Path=/photos/" in answer.headers["Set-Cookie"]
        assert (await gateway.get("/api/jobs"))["items"] == []
        async with gateway.session.get("/api/jobs", headers={"Authorization": ""}) as answer:
            assert answer.status == 401
        async with gateway.session.get("/health", headers={"Authorization": ""}) as answer:
            assert answer.status == 200
