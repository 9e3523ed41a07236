"""What Celery prints without logging."""

import subprocess
import sys

PROGRAM = """
import os, signal
from types import SimpleNamespace
from celery.apps.worker import install_worker_term_handler
from imageferry.engine.celery.celery_logging import log_celery_as_events

log_celery_as_events(level="warning")
install_worker_term_handler(SimpleNamespace(hostname="worker"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_worker_that_receives_sigterm_prints_nothing() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True)
    assert (result.stdout, result.stderr) == (b"", b"")
