"""The services of AWS that issue credentials, in one, on loopback: instance and container metadata, STS and SSO."""

from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.servers.http_servers import LoopbackServer

# Shorter than botocore keeps credentials: it renews those that end within 10 minutes at each use.
VALID = timedelta(minutes=5)
_STS = """<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>
<Expiration>{expiration}</Expiration></Credentials></{action}Result></{action}Response>"""


class AwsServices(LoopbackServer):
    """`async with AwsServices() as aws: ... aws.url`. Each request for credentials gets new ones: key-1, key-2, ...

    `requests` are what was asked for: the path, or the action of STS.
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[str] = []

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """See LoopbackServer."""
        router.add_put("/latest/api/token", self._token)
        router.add_get("/latest/meta-data/iam/security-credentials/", self._role)
        router.add_get("/latest/meta-data/iam/security-credentials/role", self._metadata)
        router.add_get("/container", self._metadata)
        router.add_get("/federation/credentials", self._sso)
        router.add_post("/", self._sts)

    def _issue(self, asked: str) -> dict[str, Any]:
        self.requests.append(asked)
        number = len(self.requests)
        return {
            "key": f"key-{number}",
            "secret": f"secret-{number}",
            "token": f"token-{number}",
            "expires_at": datetime.now(UTC) + VALID,
        }

    async def _token(self, _: web.Request) -> web.Response:
        return web.Response(text="metadata-token")

    async def _role(self, _: web.Request) -> web.Response:
        return web.Response(text="role")

    async def _metadata(self, request: web.Request) -> web.Response:
        if "metadata-token" not in (
            request.headers.get("X-aws-ec2-metadata-token"),
            request.headers.get("Authorization"),
        ):
            return web.Response(status=401)
        issued = self._issue(request.path)
        fields = {"AccessKeyId": issued["key"], "SecretAccessKey": issued["secret"], "Token": issued["token"]}
        times = {"Expiration": f"{issued['expires_at']:%Y-%m-%dT%H:%M:%SZ}", "LastUpdated": "2026-01-01T00:00:00Z"}
        return web.json_response({"Code": "Success", "Type": "AWS-HMAC", **fields, **times})

    async def _sso(self, request: web.Request) -> web.Response:
        if request.headers.get("x-amz-sso_bearer_token") != "sso-token":
            return web.json_response({"message": "Session token not found or invalid"}, status=401)
        issued = self._issue(request.path)
        return web.json_response(
            {
                "roleCredentials": {
                    "accessKeyId": issued["key"],
                    "secretAccessKey": issued["secret"],
                    "sessionToken": issued["token"],
                    "expiration": int(issued["expires_at"].timestamp() * 1000),
                }
            }
        )

    async def _sts(self, request: web.Request) -> web.Response:
        action = str((await request.post())["Action"])
        issued = self._issue(action)
        expiration = f"{issued['expires_at']:%Y-%m-%dT%H:%M:%SZ}"
        return web.Response(text=_STS.format(action=action, expiration=expiration, **issued), content_type="text/xml")
