"""What code that has taken over a decoder can reach: nothing."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from imageferry.subprocess_protocol.child_process import spawn
from imageferry.thumbnails.protocol import RenderRequest, RenderResult
from imageferry.thumbnails.worker_pool import WorkerPool
from tests.drivers.log_events import capture_log_events
from tests.drivers.pictures import encode_image, four_color_image

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="the attacks have the numbers of one machine")

# Runs in a decoder process in place of the decoders, when everything is given up that a decoder gives up.
ATTACK = r"""
import ctypes, json, os, resource, signal, socket, subprocess, threading
from imageferry.thumbnails.protocol import RenderedThumbnail
from imageferry.thumbnails.worker import main

libc = ctypes.CDLL(None, use_errno=True)

def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "")

def fork():
    if os.fork() == 0:
        os._exit(0)

def render(data, request):
    target = json.loads(data)
    gateway, database = target["gateway"], target["database"]
    attacks = {
        "read the database": lambda: open(database, "rb"),
        "read the gateway's environment": lambda: open(f"/proc/{gateway}/environ"),
        "write its memory": lambda: open(f"/proc/{gateway}/mem", "r+b"),
        "read its memory": lambda: call(310, gateway, 0, 0, 0, 0, 0),
        "trace it": lambda: call(101, 16, gateway, 0, 0),
        "take its files": lambda: call(434, gateway, 0),
        "stop it": lambda: os.kill(gateway, signal.SIGSTOP),
        "signal its thread": lambda: call(234, gateway, gateway, 0),
        "limit it": lambda: resource.prlimit(gateway, resource.RLIMIT_CPU, (1, 1)),
        "list a folder": lambda: os.listdir("/"),
        "write a file": lambda: os.open(database + ".new", os.O_CREAT | os.O_WRONLY),
        "delete a file": lambda: os.unlink(database),
        "connect to the network": lambda: socket.socket(),
        "connect to a service of this machine": lambda: socket.socket(socket.AF_UNIX),
        "fork": fork,
        "start a program": lambda: os.posix_spawn("/bin/true", ["true"], {}),
        "become a program": lambda: os.execv("/bin/true", ["true"]),
        "become root": lambda: os.setuid(0),
        "use io_uring": lambda: call(425, 1, 0),
        "use the numbers of x32": lambda: call(0x40000002, database.encode(), 0),
        "create a name space": lambda: call(272, 0x10000000),
        "load a BPF program": lambda: call(321, 0, 0, 0),
        "create an anonymous program": lambda: call(319, b"x", 0),
        "lift the filter": lambda: call(157, 22, 0, 0, 0, 0),
    }
    outcome = {}
    for name, attack in attacks.items():
        try:
            attack()
            outcome[name] = "succeeded"
        except OSError as exc:
            outcome[name] = exc.errno
    thread = threading.Thread(target=outcome.update, args=[{"start a thread": "succeeded"}])
    thread.start()
    thread.join()
    return RenderedThumbnail(body=json.dumps(outcome).encode(), width=1, height=1, placeholder="")

main(render=render)
"""


async def in_decoder(program: str, data: bytes) -> dict[str, Any]:
    """Return what `render` of the program returned in a decoder process, as JSON."""
    command = [sys.executable, "-I", "-c", program, str(1 << 30), "20", str(1 << 20)]
    process = spawn(command, environment={}, own_session=False)
    await process.connect()
    try:
        assert await process.receive() == b""
        for body in (msgspec.msgpack.encode(RenderRequest(width=1)), data, b""):
            await process.send(body)
        result = msgspec.msgpack.decode(await process.receive(), type=RenderResult)
    finally:
        await process.end(grace_s=0)
    assert result.thumbnail is not None, result.error
    outcome: dict[str, Any] = msgspec.json.decode(result.thumbnail.body)
    return outcome


async def test_code_in_a_decoder_reaches_no_file_process_or_network(tmp_path: Path) -> None:
    database = tmp_path / "catalog.db"
    database.write_bytes(b"secret")
    target = msgspec.json.encode({"gateway": os.getpid(), "database": str(database)})
    outcome = await in_decoder(ATTACK, target)
    assert outcome.pop("start a thread") == "succeeded"
    assert {name: errno for name, errno in outcome.items() if errno != 1} == {}
    assert _names(tmp_path) == ["catalog.db"]


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "TGA"]
)
async def test_every_supported_format_is_decoded_without_what_a_decoder_gives_up(kind: str) -> None:
    async def content() -> Any:  # noqa: ANN401 - an async generator
        yield encode_image(four_color_image(), kind)

    pool = WorkerPool()
    try:
        with capture_log_events() as events:
            assert (await pool.render(content(), RenderRequest(width=256))).width == 800
        assert not events
        status = _status(pool.process_ids[0])
        assert "Seccomp:\t2" in status
        assert "NoNewPrivs:\t1" in status
    finally:
        await pool.close()


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _status(process_id: int) -> str:
    return Path(f"/proc/{process_id}/status").read_text()
