"""Linux namespaces in which Google's host is this machine and no other host can be reached.

rclone can't use another address for Drive, and a proxy would slow it down. In the sandbox www.googleapis.com resolves
to loopback for both programs, port 443 is free, and every process ends with this program.
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
_IN_SANDBOX = "IMAGEFERRY_BENCHMARKS_IN_SANDBOX"
_TOOLS = ("unshare", "mount", "ip", "nginx")


class SandboxError(Exception):
    """The sandbox can't be created on this machine; the message says why."""


def enter() -> None:
    """Continue as process 1 of a sandbox. Outside one, restart the program in it and do not return."""
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    if missing := [tool for tool in _TOOLS if shutil.which(tool) is None]:
        raise SandboxError(f"The benchmarks need {', '.join(missing)}. On Debian: apt install nginx-light iproute2.")
    if os.environ.get(_IN_SANDBOX):
        _set_up()
        return
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        unshare.append("--map-root-user")
    probe = subprocess.run([*unshare, "true"], check=False, capture_output=True, text=True, timeout=10)  # noqa: S603 - our own arguments
    if probe.returncode:
        raise SandboxError(f"The benchmarks need Linux namespaces, as root or unprivileged: {probe.stderr.strip()}")
    command = [*unshare, sys.executable, "-m", "benchmarks", *sys.argv[1:]]
    os.execvpe(command[0], command, os.environ | {_IN_SANDBOX: "1"})  # noqa: S606 - this program itself


def _set_up() -> None:
    # Process 1 of a namespace gets only signals that it has a handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.NamedTemporaryFile("w", suffix=".hosts") as hosts:
        hosts.write(HOSTS)
        hosts.flush()
        Path(hosts.name).chmod(0o644)
        for command in (["ip", "link", "set", "lo", "up"], ["mount", "--bind", hosts.name, "/etc/hosts"]):
            subprocess.run(command, check=True, timeout=10)  # noqa: S603 - our own arguments
