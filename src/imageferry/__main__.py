"""Lets `python -m imageferry` run the command line."""

from imageferry.cli import main

main()
