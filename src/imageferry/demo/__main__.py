"""The stand-in as a process of its own: `python -m imageferry.demo --files 10000`."""

import argparse
import asyncio
import json
import signal
import ssl
import sys
from pathlib import Path

from imageferry.demo.entries import Node
from imageferry.demo.export import export
from imageferry.demo.generated_tree import plant
from imageferry.demo.pictures.from_folder import pictures_from
from imageferry.demo.pictures.sample_album import sample_album
from imageferry.demo.server import StandIn
from imageferry.demo.tree import Tree


def main() -> None:
    """Serves a tree until it is told to stop."""
    asyncio.run(_serve(_parser().parse_args()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imageferry.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free one (default)")
    what = parser.add_argument_group("what is served", "the sample album, unless one of these says otherwise")
    what.add_argument("--pictures", type=Path, metavar="DIR", help="a folder of this machine")
    what.add_argument("--files", type=int, help="so many synthetic files")
    what.add_argument("--file-size", type=int, default=79_000, metavar="BYTES")
    what.add_argument("--folders", type=int, default=1, help="that the synthetic files are spread over")
    what.add_argument("--depth", type=int, default=1, help="levels of those folders")
    what.add_argument("--export", type=Path, metavar="DIR", help="write every file there, named by its id")
    how = parser.add_argument_group("how it is served")
    how.add_argument("--latency-ms", type=float, default=0.0, help="of every call")
    how.add_argument("--quota-scale", type=float, help="enforce so many times the published quota")
    how.add_argument("--tls-cert", type=Path)
    how.add_argument("--tls-key", type=Path)
    return parser


async def _serve(asked: argparse.Namespace) -> None:
    tree = Tree()
    root = _tree(tree, asked)
    if asked.export:
        export(tree, asked.export)
    drive = StandIn(
        tree,
        port=asked.port,
        latency_s=asked.latency_ms / 1000,
        quota_scale=asked.quota_scale,
        tls=_tls(asked.tls_cert, asked.tls_key),
        control=True,
    )
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    async with drive:
        ready = {"url": drive.url, "folder_url": drive.folder_url(root), "api_key": drive.api_key}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def _tree(tree: Tree, asked: argparse.Namespace) -> Node:
    if asked.pictures:
        return pictures_from(asked.pictures, tree=tree)
    if asked.files is not None:
        return plant(
            tree,
            files=asked.files,
            size_bytes=asked.file_size,
            folders=asked.folders,
            depth=asked.depth,
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
