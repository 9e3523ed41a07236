"""Running a command: its settings, its event loop, its exit code, and one sentence when something is wrong."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click

from imageferry.cli.exit_codes import Exit, of_error
from imageferry.cli.output.console import People
from imageferry.cli.output.json_output import answer_error
from imageferry.errors import ImageferryError
from imageferry.runtime import keep_what_is_here, loop_factory
from imageferry.settings import Settings, forget_the_empty
from imageferry.telemetry.logs import configure_logging

people = People()


def run(
    work: Callable[[Settings], Exit | Coroutine[Any, Any, Exit]], *, as_json: bool = False, **given: object
) -> None:
    """Run a command with the settings of the environment and those `given` by flags, and exit with its code."""
    keep_what_is_here()
    forget_the_empty()
    try:
        settings = Settings.load(**given)
        configure_logging(level=settings.log_level, form=settings.log_format)
        ended = work(settings)
        code = ended if isinstance(ended, Exit) else _in_loop(ended)
    except ImageferryError as exc:
        people.tell(exc.message)
        if as_json:
            answer_error(exc)
        code = of_error(exc)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the answer has had enough of it, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = Exit.DONE
    raise click.exceptions.Exit(code)


def _in_loop(work: Coroutine[Any, Any, Exit]) -> Exit:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work)
