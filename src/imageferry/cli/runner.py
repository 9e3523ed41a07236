"""Run a command: load the settings, start the event loop, open a client, print errors, exit with a code."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from imageferry.cli.clients.factory import open_images_client, open_jobs_client
from imageferry.cli.exit_codes import ExitCode, exit_code_for_error
from imageferry.cli.output.console import Console
from imageferry.cli.output.json_output import print_error_json
from imageferry.errors import ImageferryError
from imageferry.log import log
from imageferry.runtime import loop_factory, resume_gc
from imageferry.settings import Settings
from imageferry.settings.doubts import doubts
from imageferry.settings.environment import tidy_environment
from imageferry.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from imageferry.cli.clients.images import ImagesClient
    from imageferry.cli.clients.jobs import JobsClient

console = Console()


def run(
    work: Callable[[Settings], ExitCode | Coroutine[Any, Any, ExitCode]],
    *,
    as_json: bool = False,
    is_probe: bool = False,
    **overrides: object,
) -> None:
    """Call `work` with the settings, run its coroutine if it returns one, and exit with its code.

    `is_probe`: it runs every few seconds, so it says nothing of variables that are set in vain. `overrides` are the
    settings given by flags; None means that the flag is not given.
    """
    resume_gc()
    tidy_environment(Settings)
    try:
        settings = Settings.load(**overrides)
        os.umask(int(settings.umask, 8))
        configure_logging(level=settings.log_level, form=settings.log_format)
        if not is_probe:
            _warn(settings)
        result = work(settings)
        code = result if isinstance(result, ExitCode) else _run_in_loop(result)
    except ImageferryError as exc:
        console.print(exc.message)
        if as_json:
            print_error_json(exc)
        code = exit_code_for_error(exc)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader of stdout, such as `head`, has closed the pipe. Python must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.SUCCESS
    raise click.exceptions.Exit(code)


def run_with_jobs(
    work: "Callable[[JobsClient], Coroutine[Any, Any, ExitCode]]", *, server: str | None, as_json: bool = False
) -> None:
    """Run a command that needs only the jobs, of the local catalog or of the gateway that is set."""

    async def with_client(settings: Settings) -> ExitCode:
        async with open_jobs_client(settings) as client:
            return await work(client)

    run(with_client, as_json=as_json, server_url=server)


def run_with_images(
    work: "Callable[[ImagesClient], Coroutine[Any, Any, ExitCode]]", *, server: str | None, as_json: bool = False
) -> None:
    """Run a command that needs only the images, of the local catalog or of the gateway that is set."""

    async def with_client(settings: Settings) -> ExitCode:
        async with open_images_client(settings) as client:
            return await work(client)

    run(with_client, as_json=as_json, server_url=server)


def _warn(settings: Settings) -> None:
    for doubt in doubts(settings):
        if settings.log_format == "json":
            log.warning("settings.doubt", detail=doubt)
        else:
            console.print(f"Warning: {doubt}")


def _run_in_loop(coroutine: Coroutine[Any, Any, ExitCode]) -> ExitCode:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(coroutine)
