"""Where the race is run: Google's host behind TLS, a target, and the files, all in memory."""

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
from tests.drivers.service_accounts import service_account_file

from benchmarks import nginx
from benchmarks.network_sandbox import GOOGLE_HOST
from benchmarks.scenarios import Course, Target
from imageferry.demo.entries import Node
from imageferry.demo.generated_tree import plant
from imageferry.demo.operations import Operation
from imageferry.demo.quota import COSTS
from imageferry.demo.tree import Tree
from imageferry.stores.keys import object_key

BUCKET = "photos"
READY_S_MAX = 120.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a disk would decide the race; the folder in it has a name of its own
_SOURCE_PORT, _TARGET_PORT = 443, 9000
_BEHIND_A_RELAY = 10_000  # a server that answers late has its port so much higher, and a relay stands before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Calls to the stand-in."""

    calls: dict[str, int]  # by operation
    refused: int

    @property
    def units(self) -> int:
        """What the calls that were not refused cost of the quota; nearly all that are refused ask for bytes."""
        asked_for = sum(COSTS.get(Operation[name.upper()], 0) * count for name, count in self.calls.items())
        return asked_for - COSTS[Operation.MEDIA] * self.refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """What contestants need to know, and what is looked at after they ran."""

    course: Course
    folder: Path  # for everything that a race writes
    folder_url: str
    folder_id: str
    api_key: str
    account_file: Path
    source_url: str
    authority: Path  # to be trusted for the source's host
    objects: Path  # the bucket, as a folder
    target_url: str
    standin_url: str
    target_process_id: int = 0  # 0: it does not run yet
    delays_s: list[float] = field(default_factory=list)  # of each relay, on the average; told when the arena closes
    bucket: str = BUCKET
    access_key: str = "access"
    secret_key: str = "secret"  # noqa: S105 - of a server that lives for a minute

    def clear(self) -> None:
        """Empty the target."""
        for entry in self.objects.iterdir():
            shutil.rmtree(entry)
        if self.course.target is Target.SERVER:
            # It remembers what its folders held, until this signal.
            os.kill(self.target_process_id, signal.SIGHUP)

    def asked(self) -> Asked:
        """What the stand-in was asked since the last time; the bytes, where nginx serves them, apart."""
        url = f"{self.standin_url}/_standin/requests"
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - ours
            told = json.load(answer)
        urlopen(Request(url, method="DELETE"), timeout=10).close()  # noqa: S310 - ours
        refused = sum(count for status, count in told["statuses"].items() if status in {"403", "429"})
        return Asked(calls=told["calls"], refused=refused)

    def holds_all(self, prefix: str) -> bool:
        """True: the target has every file below a prefix, in its full size."""
        sizes = [path.stat().st_size for path in (self.objects / prefix).rglob("[!.]*") if path.is_file()]
        return sizes == [self.course.size_bytes] * self.course.files


@contextmanager
def arena_for(
    course: Course, *, host: str = GOOGLE_HOST, source_port: int = _SOURCE_PORT, target_port: int = _TARGET_PORT
) -> Iterator[Arena]:
    """An arena, its servers running until the context ends: the source as `host`, which must be loopback."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="imageferry-race-", dir=_MEMORY)))
        objects = folder / "target" / BUCKET
        objects.mkdir(parents=True)
        standin = stack.enter_context(_standin(course, media=folder / "media"))
        url = f"https://{host}" if source_port == _SOURCE_PORT else f"https://{host}:{source_port}"
        arena = Arena(
            course=course,
            folder=folder,
            folder_url=standin["folder_url"],
            folder_id=standin["folder_url"].rpartition("/")[2],
            api_key=standin["api_key"],
            account_file=service_account_file(folder, token_url=f"{url}/token"),
            source_url=url,
            authority=folder / "authority.pem",
            objects=objects,
            target_url=f"http://127.0.0.1:{target_port}",
            standin_url=standin["url"],
        )
        answering = source_port + (_BEHIND_A_RELAY if course.source_delay_s else 0)
        source = _source_configuration(arena, host=host, port=answering)
        stack.enter_context(_running(["nginx", "-c", str(source)], port=answering))
        taking = target_port + (_BEHIND_A_RELAY if course.target_delay_s else 0)
        target = stack.enter_context(_running(_target(arena, port=taking), port=taking))
        for port, delay_s in ((source_port, course.source_delay_s), (target_port, course.target_delay_s)):
            if delay_s:
                stack.enter_context(_relaying(port, delay_s, told_s=arena.delays_s))
        yield replace(arena, target_process_id=target)


@contextmanager
def _relaying(port: int, delay_s: float, *, told_s: list[float]) -> Iterator[None]:
    """A relay, until the context ends; then it tells how late it was."""
    command = [sys.executable, "-m", "benchmarks.delay", str(port), str(port + _BEHIND_A_RELAY), str(delay_s)]
    with tempfile.TemporaryFile("w+") as output:
        with _running(command, port=port, output=output):
            yield
        output.seek(0)
        told_s.append(float(output.read()))


def _source_configuration(arena: Arena, *, host: str, port: int) -> Path:
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    authority.cert_pem.write_to_path(arena.authority)
    chain, key = arena.folder / "certificate.pem", arena.folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    return nginx.source_configuration(
        arena.folder,
        standin=arena.standin_url.removeprefix("http://"),
        media=arena.folder / "media",
        certificate=chain,
        key=key,
        port=port,
        serves_media=arena.course.quota_scale is None,
    )


def _target(arena: Arena, *, port: int) -> list[str]:
    address = f"127.0.0.1:{port}"
    if arena.course.target is Target.SERVER:
        rclone = str(Path(sys.executable).with_name("rclone"))
        auth = f"--auth-key={arena.access_key},{arena.secret_key}"
        return [
            rclone,
            "serve",
            "s3",
            str(arena.objects.parent),
            f"--addr={address}",
            auth,
            "--config=",
            "--no-modtime",
            # Else it goes through all names of a folder for each object that is new, and the race is one of their
            # lengths: ours hold the files' ids, which keeps files of equal names apart.
            "--no-unicode-normalization",
        ]
    sink = nginx.sink_configuration(arena.folder, address=address, bucket=arena.objects, digests=_digests(arena.course))
    return ["nginx", "-c", str(sink)]


def _digests(course: Course) -> Iterator[tuple[str, str]]:
    """The MD5 of each file, under the name that either contestant gives it."""
    tree = Tree()  # the stand-in's own: the same calls give the same ids
    root = plant(tree, files=course.files, size_bytes=course.size_bytes, folders=course.folders, depth=course.depth)
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
def _standin(course: Course, *, media: Path) -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "imageferry.demo", "--export", str(media)]
    command += ["--files", str(course.files), "--file-size", str(course.size_bytes)]
    command += ["--folders", str(course.folders), "--depth", str(course.depth)]
    if course.quota_scale is not None:
        command += ["--quota-scale", str(course.quota_scale)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise RuntimeError("The stand-in did not start.")
            yield json.loads(line)
        finally:
            process.terminate()


@contextmanager
def _running(command: list[str], *, port: int, output: IO[str] | None = None) -> Iterator[int]:
    """A server's process id, from when it is ready until the context ends."""
    with subprocess.Popen(command, stdout=output) as process:  # noqa: S603 - ours
        try:
            ends_at_s = time.monotonic() + READY_S_MAX
            while not _answers(port):
                if process.poll() is not None or time.monotonic() > ends_at_s:
                    raise RuntimeError(f"{command[0]} did not start.")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
