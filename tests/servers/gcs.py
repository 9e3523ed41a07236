"""A server for Google Cloud Storage's client, on loopback: moto, whose XML is the one that Amazon and Google share."""

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "pictures"
SIGNATURE = "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any"


@contextmanager
def gcs() -> Iterator[str]:
    """The endpoint of a server with one bucket, which takes any token or none."""
    server = make_server("127.0.0.1", 0, _as_amazons(DomainDispatcherApplication(create_backend_app)), threaded=True)
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        made = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - loopback
        urllib.request.urlopen(made, timeout=10).close()  # noqa: S310 - loopback
        yield endpoint
    finally:
        server.shutdown()
        serving.join(10)
        server.server_close()


def _as_amazons(app: Callable[..., Any]) -> Callable[..., Any]:
    # moto takes whatever stands in this header for a signature of Amazon's, and lets nobody read without one.
    def as_amazons(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: ANN401 - WSGI's
        environ["HTTP_AUTHORIZATION"] = SIGNATURE
        return app(environ, start_response)

    return as_amazons
