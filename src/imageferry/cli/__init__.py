"""The command line."""

from imageferry.cli.app import main

__all__ = ["main"]
