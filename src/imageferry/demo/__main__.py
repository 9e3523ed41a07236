"""Test Drive server as a separate process: `python -m imageferry.demo --files 10000`."""

import argparse
import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

from imageferry.demo.drive.error_responses import ErrorKind
from imageferry.demo.entries import Node
from imageferry.demo.export import export
from imageferry.demo.faults import Fault
from imageferry.demo.generated_tree import generate_tree
from imageferry.demo.pictures.from_folder import tree_from_folder
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import DriveTestServer
from imageferry.demo.tree import Tree


def main() -> None:
    """Serve a tree until SIGINT or SIGTERM. Prints its URLs and API key as a line of JSON when it is ready."""
    asyncio.run(_serve(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imageferry.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    content = parser.add_argument_group("content", "the sample album by default")
    content.add_argument("--pictures", type=Path, metavar="DIR", help="serve a local folder")
    content.add_argument("--files", type=int, help="serve this many generated files")
    content.add_argument("--file-size", type=int, default=79_000, metavar="BYTES", help="size of each generated file")
    content.add_argument("--folders", type=int, default=1, help="number of folders with generated files")
    content.add_argument("--depth", type=int, default=1, help="levels of folders")
    content.add_argument(
        "--export", type=Path, metavar="DIR", help="also write every file to this folder, named by its ID"
    )
    behaviour = parser.add_argument_group("behaviour")
    behaviour.add_argument("--latency-ms", type=float, default=0.0, help="latency of every call")
    behaviour.add_argument("--quota-scale", type=float, help="enforce this multiple of the published quota")
    behaviour.add_argument(
        "--refused-share", type=float, metavar="SHARE", help="refuse this share of the downloads at random"
    )
    behaviour.add_argument("--tls-cert", type=Path, help="certificate file, to serve HTTPS")
    behaviour.add_argument("--tls-key", type=Path, help="key file of the certificate")
    return parser


async def _serve(arguments: argparse.Namespace) -> None:
    tree = Tree()
    root = _tree(tree, arguments)
    if arguments.export:
        export(tree, arguments.export)
    drive = DriveTestServer(
        tree,
        port=arguments.port,
        latency_s=arguments.latency_ms / 1000,
        quota_scale=arguments.quota_scale,
        tls=_tls(arguments.tls_cert, arguments.tls_key),
        control=True,
    )
    if arguments.refused_share:
        drive.faults.add(Fault(kind=ErrorKind.USER_RATE_LIMIT, probability=arguments.refused_share))
    stopped = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stopped.set)
    async with drive:
        ready = {"url": drive.url, "folder_url": drive.folder_url(root), "api_key": drive.api_key}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _tree(tree: Tree, arguments: argparse.Namespace) -> Node:
    if arguments.pictures:
        return tree_from_folder(arguments.pictures, tree=tree)
    if arguments.files is not None:
        return generate_tree(
            tree,
            files=arguments.files,
            size_bytes=arguments.file_size,
            folders=arguments.folders,
            depth=arguments.depth,
        )
    return sample_album(tree)


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


if __name__ == "__main__":
    main()
