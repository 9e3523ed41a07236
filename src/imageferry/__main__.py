"""`python -m imageferry` is `imageferry`."""

from imageferry.cli import main

main()
