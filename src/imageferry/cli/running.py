"""Running a command: its settings, its event loop, its exit code, and one sentence when something is wrong."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import typer
from rich.console import Console

from imageferry.cli import report
from imageferry.cli.answer import answer
from imageferry.cli.exits import Exit, of_error
from imageferry.errors import ImageferryError
from imageferry.settings import Settings
from imageferry.telemetry.logs import configure_logging

people = Console(stderr=True, highlight=False)


def run(
    work: Callable[[Settings], Exit | Coroutine[Any, Any, Exit]], *, as_json: bool = False, **given: object
) -> None:
    """Run a command with the settings of the environment and those `given` by flags, and exit with its code."""
    try:
        settings = Settings.load(**given)
        configure_logging(settings)
        ended = work(settings)
        code = ended if isinstance(ended, Exit) else _in_loop(ended)
    except ImageferryError as exc:
        people.print(exc.message, markup=False, soft_wrap=True)
        if as_json:
            answer(report.error_as_json(exc))
        code = of_error(exc)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the answer has had enough of it, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.DONE
    raise typer.Exit(code)


def _in_loop(work: Coroutine[Any, Any, Exit]) -> Exit:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - Windows has none
    except ImportError:
        return None
    return uvloop.new_event_loop
