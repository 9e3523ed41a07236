"""`imageferry health`: ask a local process over HTTP whether it is healthy."""

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.output.console import Console
from imageferry.settings import Settings

TIMEOUT_S = 5
# Where to connect for an address that listens on all interfaces.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - replaced before it is used


def check_health(settings: Settings, *, port: int | None, ready: bool, console: Console) -> ExitCode:
    """Ask for liveness, or with `ready` for readiness. Return SUCCESS, or print why not and return FAILURE."""
    host = _LOOPBACK.get(settings.host, settings.host)
    port = port or settings.health_port or settings.port
    path = "/readyz" if ready else "/healthz"
    with closing(HTTPConnection(host, port, timeout=TIMEOUT_S)) as connection:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            if response.status == HTTPStatus.OK:
                return ExitCode.SUCCESS
            problem = f"answered with status {response.status}"
        except (OSError, HTTPException) as exc:
            problem = f"can't be reached ({getattr(exc, 'strerror', None) or exc})"
    console.print(f"http://{host}:{port}{path} {problem}.")
    return ExitCode.FAILURE
