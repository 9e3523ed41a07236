"""`imageferry health`: is the process that serves a port of this machine well."""

from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from imageferry.cli.exit_codes import Exit
from imageferry.cli.output.console import People
from imageferry.settings import Settings

ANSWER_WITHIN_S = 5
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not served


def ask(settings: Settings, *, port: int | None, ready: bool, people: People) -> Exit:
    """Ask for health, or readiness; DONE when the answer is good, else OTHER and why."""
    host = _EVERYWHERE.get(settings.host, settings.host)
    port = port or settings.health_port or settings.port
    path = "/readyz" if ready else "/healthz"
    why = ""
    with closing(HTTPConnection(host, port, timeout=ANSWER_WITHIN_S)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            if answer.status == HTTPStatus.OK:
                return Exit.DONE
            why = f"answers {answer.status}"
        except (OSError, HTTPException) as exc:
            why = f"does not answer ({exc})"
    people.tell(f"http://{host}:{port}{path} {why}.")
    return Exit.OTHER
