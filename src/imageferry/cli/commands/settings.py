"""`imageferry settings`."""

import click

from imageferry.cli.handlers.settings import env_file


@click.command()
def settings() -> None:
    """Print all settings with their defaults, as a .env file in which each is commented out."""
    click.echo(env_file(), nl=False)
