"""The list of commands. Only the module of the command that runs is imported."""

from pkgutil import resolve_name
from typing import Any

import click
from click.shell_completion import CompletionItem
from click_didyoumean import DYMGroup

from imageferry.version import __version__

# By name, in the order of the help: the location below `imageferry.cli.commands`, and the summary.
COMMANDS = {
    "import": ("import_:import_", "Import a folder."),
    "serve": ("serve:serve", "Serve the web page and the API, and run all jobs."),
    "work": ("work:work", "Run a worker for the jobs of a remote gateway."),
    "demo": ("demo:demo", "Try imageferry offline, with sample images or your own."),
    "jobs": ("jobs:jobs", "List jobs, or show one."),
    "pause": ("jobs:pause", "Pause a job."),
    "resume": ("jobs:resume", "Resume a paused or waiting job."),
    "retry": ("jobs:retry", "Retry the failed files of a job."),
    "cancel": ("jobs:cancel", "Cancel a job, and keep or delete its images."),
    "remove": ("jobs:remove", "Remove a finished job from the history."),
    "prune": ("jobs:prune", "Remove old jobs from the history."),
    "manifest": ("jobs:manifest", "Print a record of every file of a job."),
    "images": ("images:images", "List, download or delete images."),
    "doctor": ("doctor:doctor", "Check everything that an import needs."),
    "health": ("health:health", "Check the health of a local gateway or worker."),
    "settings": ("settings:settings", "Print all settings with their defaults."),
    "migrate": ("migrate:migrate", "Update the catalog's schema."),
}


class _Commands(DYMGroup):  # type: ignore[misc] # click_didyoumean ships no types
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
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        matches = [
            CompletionItem(name, help=summary) for name, (_, summary) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return matches + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=_Commands,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog=(
        "Exit codes: 0 success, 1 some files failed, 2 usage error, 3 folder not found, 5 try again later, "
        "7 something must be fixed first, 130 interrupted. Settings are read from the environment and from a .env "
        "file in the current folder."
    ),
)
@click.version_option(__version__, message="%(version)s")
def app(**_: Any) -> None:  # noqa: ANN401 - click passes the options of the group, and there are none
    """Copy all images of a Google Drive folder into your own storage, and verify each one."""


def main() -> None:
    """Run the command line."""
    app(prog_name="imageferry")
