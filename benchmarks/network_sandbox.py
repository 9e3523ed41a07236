"""Namespaces of this program's own, in which Google's host is this machine and nothing else is reached.

rclone cannot be told another address of Drive, and a proxy in its way would slow it down. Here
www.googleapis.com is a name of loopback for both contestants alike, port 443 is free, and every process
that was started ends with the program.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

GOOGLE_HOST = "www.googleapis.com"
HOSTS = f"127.0.0.1 localhost {GOOGLE_HOST}\n"
_INSIDE = "IMAGEFERRY_BENCHMARKS_INSIDE"
_TOOLS = ("unshare", "mount", "ip", "nginx")


class EnclaveError(Exception):
    """This machine does not let us have an enclave; the message is for people."""


def enter() -> None:
    """Go on as process 1 of an enclave; from outside, this starts the program again and does not return."""
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        raise EnclaveError(f"The benchmarks need {', '.join(missing)}: on Debian, apt install nginx-light iproute2.")
    if os.environ.get(_INSIDE):
        _furnish()
        return
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.append("--map-root-user")
    probe = subprocess.run([*unshare, "true"], check=False, capture_output=True, text=True, timeout=10)  # noqa: S603 - our own arguments
    if probe.returncode:
        raise EnclaveError(f"The benchmarks need namespaces, as root or unprivileged: {probe.stderr.strip()}")
    again = [*unshare, sys.executable, "-m", "benchmarks", *sys.argv[1:]]
    os.execvpe(again[0], again, os.environ | {_INSIDE: "1"})  # noqa: S606 - this program itself


def _furnish() -> None:
    # Process 1 of a namespace is sent no signal that it does not ask for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write(HOSTS)
        hosts.flush()
        Path(hosts.name).chmod(0o644)
        for command in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", hosts.name, "/etc/hosts"]):
            subprocess.run(command, check=True, timeout=10)  # noqa: S603 - our own arguments
