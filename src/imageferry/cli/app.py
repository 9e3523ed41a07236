"""The command line: which commands there are, and where each is; only the one that runs is imported."""

from pkgutil import resolve_name
from typing import Any

import click
from click.shell_completion import CompletionItem
from click_didyoumean import DYMGroup

from imageferry import __version__

# In the order in which help lists them: where each is, and what it does.
COMMANDS = {
    "import": ("import_:import_", "Import a folder, to its end."),
    "serve": ("serve:serve", "Serve the HTTP interface and the page, and run all jobs."),
    "work": ("work:work", "Work for the jobs of a gateway elsewhere."),
    "demo": ("demo:demo", "Try it offline, with sample pictures or your own."),
    "jobs": ("jobs:jobs", "List the latest jobs, or tell all about one."),
    "pause": ("jobs:pause", "Let a job rest until it is resumed."),
    "resume": ("jobs:resume", "Go on with a job that was paused, or that waits."),
    "retry": ("jobs:retry", "Try again what failed, and work on it to the end."),
    "cancel": ("jobs:cancel", "End a job; what it stored stays, unless it is discarded."),
    "remove": ("jobs:remove", "Remove a job that is at its end from the history."),
    "prune": ("jobs:prune", "Remove jobs that ended long ago from the history."),
    "manifest": ("jobs:manifest", "Print a job's receipt: each file and its outcome."),
    "images": ("images:images", "List images, download them, or delete them."),
    "doctor": ("doctor:doctor", "Try everything that an import leans on, and say what to mend."),
    "health": ("health:health", "Ask the gateway or worker of this machine whether it is well."),
    "settings": ("settings:settings", "Print every setting with its meaning and its default."),
    "migrate": ("migrate:migrate", "Bring the catalog's schema up to date."),
}


class _Commands(DYMGroup):  # type: ignore[misc] # it ships no types
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = resolve_name(f"imageferry.cli.commands.{COMMANDS[cmd_name][0]}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        fitting = [
            CompletionItem(name, help=what) for name, (_, what) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return fitting + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=(
        "Exit codes: 0 all stored, 1 some files failed, 2 usage, 3 folder not found, 5 try again later, "
        "7 something must be mended, 130 interrupted. Settings come from the environment and from a .env file."
    ),
)
@click.version_option(__version__, message="%(version)s")
def app(**_: Any) -> None:  # noqa: ANN401 - click passes what a group has, which is nothing
    """Carries every image of a Google Drive folder into your own object store, verified, with a catalog in SQL."""


def main() -> None:
    """Run the command line."""
    app(prog_name="imageferry")
