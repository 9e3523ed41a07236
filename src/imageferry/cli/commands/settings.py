"""`imageferry settings`."""

import click

from imageferry.cli.handlers.settings import settings_file


@click.command()
def settings() -> None:
    """Print every setting with its meaning and its default, as a .env file in which each is commented out."""
    click.echo(settings_file(), nl=False)
