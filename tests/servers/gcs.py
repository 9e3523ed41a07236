"""A Google Cloud Storage server on loopback: moto, since Google's XML API is the same as S3's."""

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
    """Run a server with one bucket that accepts any token or none; yield its endpoint."""
    server = make_server(
        "127.0.0.1", 0, _with_signature(DomainDispatcherApplication(create_backend_app)), threaded=True
    )
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        create_bucket = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - loopback
        urllib.request.urlopen(create_bucket, timeout=10).close()  # noqa: S310 - loopback
        yield endpoint
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _with_signature(app: Callable[..., Any]) -> Callable[..., Any]:
    # moto requires a signature in this header to read objects, and accepts any.
    def signed_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: ANN401 - WSGI has no precise type
        environ["HTTP_AUTHORIZATION"] = SIGNATURE
        return app(environ, start_response)

    return signed_app
