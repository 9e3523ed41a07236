"""The token endpoint: access tokens for service accounts and refresh tokens."""

from base64 import urlsafe_b64decode

import msgspec
from aiohttp import web

from imageferry.demo.middleware import DriveMiddleware
from imageferry.demo.operations import Operation

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_DEFAULT_ACCOUNT = "somebody@example.com"


class _Claims(msgspec.Struct):
    iss: str


class TokenEndpoint:
    """Behaves like `oauth2.googleapis.com/token`, but doesn't check signatures."""

    def __init__(self, middleware: DriveMiddleware) -> None:
        self._middleware = middleware

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.post("/token", self.issue)]

    async def issue(self, request: web.Request) -> web.Response:
        """Issue an access token for the account in the assertion."""
        await self._middleware.begin_call(request, Operation.TOKEN)
        form = await request.post()
        match form.get("grant_type"):
            case grant if grant == _JWT_BEARER:
                account = _issuer(str(form.get("assertion", "")))
            case "refresh_token":
                account = _DEFAULT_ACCOUNT
            case _:
                return _error("unsupported_grant_type", "Invalid grant_type.")
        if account is None:
            return _error("invalid_grant", "Invalid JWT: Token must be a short-lived token.")
        credentials = self._middleware.credentials
        return web.json_response(
            {
                "access_token": credentials.issue(account),
                "expires_in": int(credentials.token_lifetime_s),
                "token_type": "Bearer",
            }
        )


def _issuer(assertion: str) -> str | None:
    _, _, claims = assertion.rpartition(".")[0].partition(".")
    try:
        return msgspec.json.decode(urlsafe_b64decode(claims + "=="), type=_Claims).iss
    except (ValueError, msgspec.DecodeError):
        return None


def _error(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)
