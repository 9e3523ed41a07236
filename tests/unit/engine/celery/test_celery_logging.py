"""What Celery says beside its logs."""

import subprocess
import sys

PROGRAM = """
import os, signal
from types import SimpleNamespace
from celery.apps.worker import install_worker_term_handler
from imageferry.engine.celery.celery_logging import tell_as_events

tell_as_events(level="warning")
install_worker_term_handler(SimpleNamespace(hostname="worker"))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_worker_that_is_told_to_end_says_nothing_beside_the_logs() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, timeout=60)
    assert (told.stdout, told.stderr) == (b"", b"")
