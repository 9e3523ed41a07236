"""The testbed: Google's host behind TLS, a target, and the files, all in memory."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import trustme
from tests.drivers.service_accounts import create_service_account_file

from benchmarks import nginx
from benchmarks.network_sandbox import GOOGLE_HOST
from benchmarks.scenarios import Scenario, Target
from imageferry.demo.entries import Node
from imageferry.demo.generated_tree import generate_tree
from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS
from imageferry.demo.tree import Tree
from imageferry.stores.keys import object_key

BUCKET = "photos"
READY_S_MAX = 120.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk would dominate the result; the folder in it has a unique name
_SOURCE_PORT, _TARGET_PORT = 443, 9000
_RELAY_PORT_OFFSET = 10_000  # from a relay's port to the port of the server behind it


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCalls:
    """Calls to the test Drive server."""

    calls: dict[str, int]  # by operation
    rejected: int

    @property
    def units(self) -> int:
        """Quota units used by calls that were not rejected; nearly all rejected calls are downloads."""
        requested = sum(COSTS.get(Operation[name.upper()], 0) * count for name, count in self.calls.items())
        return requested - COSTS[Operation.MEDIA] * self.rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Testbed:
    """Everything that the programs need, and access to the results."""

    scenario: Scenario
    folder: Path  # for everything that a benchmark writes
    folder_url: str
    folder_id: str
    api_key: str
    account_file: Path
    source_url: str
    authority_file: Path  # certificate authority of the source's host
    objects: Path  # the bucket, as a folder
    target_url: str
    drive_server_url: str
    target_process_id: int = 0  # 0: not started yet
    latencies_s: list[float] = field(default_factory=list)  # mean of each relay, set when the testbed closes
    bucket: str = BUCKET
    access_key: str = "access"
    secret_key: str = "secret"  # noqa: S105 - of a temporary server

    def clear(self) -> None:
        """Empty the target."""
        for entry in self.objects.iterdir():
            shutil.rmtree(entry)
        if self.scenario.target is Target.SERVER:
            # rclone caches the listings of its folders until this signal.
            os.kill(self.target_process_id, signal.SIGHUP)

    def take_source_calls(self) -> SourceCalls:
        """Return the calls to the test Drive server since the last time, without downloads that nginx served."""
        url = f"{self.drive_server_url}/_control/requests"
        with urlopen(url, timeout=10) as response:  # noqa: S310 - loopback
            log = json.load(response)
        urlopen(Request(url, method="DELETE"), timeout=10).close()  # noqa: S310 - loopback
        rejected = sum(count for status, count in log["statuses"].items() if status in {"403", "429"})
        return SourceCalls(calls=log["calls"], rejected=rejected)

    def has_all_files(self, prefix: str) -> bool:
        """Return True when the target has every file below a prefix in its full size."""
        sizes = [path.stat().st_size for path in (self.objects / prefix).rglob("[!.]*") if path.is_file()]
        return sizes == [self.scenario.size_bytes] * self.scenario.files


@contextmanager
def open_testbed(
    scenario: Scenario, *, host: str = GOOGLE_HOST, source_port: int = _SOURCE_PORT, target_port: int = _TARGET_PORT
) -> Iterator[Testbed]:
    """Start the servers of a testbed and stop them at the end. `host`, the source's name, must resolve to loopback."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imageferry-benchmark-", dir=_MEMORY)))
        objects = folder / "target" / BUCKET
        objects.mkdir(parents=True)
        drive_server = stack.enter_context(_drive_server(scenario, media=folder / "media"))
        url = f"https://{host}" if source_port == _SOURCE_PORT else f"https://{host}:{source_port}"
        testbed = Testbed(
            scenario=scenario,
            folder=folder,
            folder_url=drive_server["folder_url"],
            folder_id=drive_server["folder_url"].rpartition("/")[2],
            api_key=drive_server["api_key"],
            account_file=create_service_account_file(folder, token_url=f"{url}/token"),
            source_url=url,
            authority_file=folder / "authority.pem",
            objects=objects,
            target_url=f"http://127.0.0.1:{target_port}",
            drive_server_url=drive_server["url"],
        )
        source_server_port = source_port + (_RELAY_PORT_OFFSET if scenario.source_latency_s else 0)
        source = _source_configuration(testbed, host=host, port=source_server_port)
        stack.enter_context(_running(["nginx", "-c", str(source)], port=source_server_port))
        target_server_port = target_port + (_RELAY_PORT_OFFSET if scenario.target_latency_s else 0)
        target = stack.enter_context(_running(_target(testbed, port=target_server_port), port=target_server_port))
        for port, delay_s in ((source_port, scenario.source_latency_s), (target_port, scenario.target_latency_s)):
            if delay_s:
                stack.enter_context(_relay(port, delay_s, latencies_s=testbed.latencies_s))
        yield replace(testbed, target_process_id=target)


@contextmanager
def _relay(port: int, delay_s: float, *, latencies_s: list[float]) -> Iterator[None]:
    """Run a relay. At the end, append its mean delay to `latencies_s`."""
    command = [sys.executable, "-m", "benchmarks.delay", str(port), str(port + _RELAY_PORT_OFFSET), str(delay_s)]
    with tempfile.TemporaryFile("w+") as output:
        with _running(command, port=port, output=output):
            yield
        output.seek(0)
        latencies_s.append(float(output.read()))


def _source_configuration(testbed: Testbed, *, host: str, port: int) -> Path:
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(testbed.authority_file)
    chain, key = testbed.folder / "certificate.pem", testbed.folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    return nginx.source_configuration(
        testbed.folder,
        drive_server=testbed.drive_server_url.removeprefix("http://"),
        media=testbed.folder / "media",
        certificate=chain,
        key=key,
        port=port,
        serves_media=not testbed.scenario.is_served_by_test_server,
    )


def _target(testbed: Testbed, *, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    if testbed.scenario.target is Target.SERVER:
        rclone = str(Path(sys.executable).with_name("rclone"))
        auth = f"--auth-key={testbed.access_key},{testbed.secret_key}"
        return [
            rclone,
            "serve",
            "s3",
            str(testbed.objects.parent),
            f"--addr={address}",
            auth,
            "--config=",
            "--no-modtime",
            # Without it, rclone scans all names of a folder for each new object, and the length of the names decides:
            # imageferry's contain the IDs, which distinguish files of equal names.
            "--no-unicode-normalization",
        ]
    sink = nginx.sink_configuration(
        testbed.folder, address=address, bucket=testbed.objects, digests=_digests(testbed.scenario)
    )
    return ["nginx", "-c", str(sink)]


def _digests(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """Yield the MD5 of each file under the name that each program gives it."""
    tree = Tree()  # the same as the server's: the same calls give the same IDs
    root = generate_tree(
        tree, files=scenario.files, size_bytes=scenario.size_bytes, folders=scenario.folders, depth=scenario.depth
    )
    paths = {root.id: ""}
    for node in _below(tree, root):
        (parent,) = node.parents
        path = f"{paths[parent]}/{node.name}"
        if node.content is None:
            paths[node.id] = path
            continue
        md5 = node.content.digest("md5")
        yield f"/{BUCKET}/rclone{path}", md5
        yield f"/{BUCKET}/imageferry/{object_key(folder_id=parent, file_id=node.id, name=node.name)}", md5


def _below(tree: Tree, folder: Node) -> Iterator[Node]:
    for node in tree.children(folder):
        yield node
        yield from _below(tree, node)


@contextmanager
def _drive_server(scenario: Scenario, *, media: Path) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "imageferry.demo", "--export", str(media)]
    command += ["--files", str(scenario.files), "--file-size", str(scenario.size_bytes)]
    command += ["--folders", str(scenario.folders), "--depth", str(scenario.depth)]
    if scenario.quota_scale is not None:
        command += ["--quota-scale", str(scenario.quota_scale)]
    if scenario.refused_share is not None:
        command += ["--refused-share", str(scenario.refused_share)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own arguments
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise RuntimeError("The test Drive server did not start.")
            yield json.loads(line)
        finally:
            process.terminate()


@contextmanager
def _running(command: list[str], *, port: int, output: IO[str] | None = None) -> Iterator[int]:
    """Run a server and wait until it accepts connections; yield its process ID."""
    with subprocess.Popen(command, stdout=output) as process:  # noqa: S603 - our own arguments
        try:
            deadline_s = time.monotonic() + READY_S_MAX
            while not _accepts_connections(port):
                if process.poll() is not None or time.monotonic() > deadline_s:
                    raise RuntimeError(f"{command[0]} did not start.")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _accepts_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
