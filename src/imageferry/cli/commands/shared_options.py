"""What the commands share: how flags are declared, their types, and those that several have."""

from functools import partial

import click

BYTES = click.IntRange(min=0)
DAY = click.DateTime(formats=["%Y-%m-%d"])

option = partial(click.option, show_envvar=True)

as_json = option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout at the end.")
job_id = click.argument("job_id", metavar="JOB")
port = option("--port", type=int, envvar="PORT", help="[default: 8000]")
server = option(
    "--server",
    envvar="IMAGEFERRY_SERVER",
    metavar="URL",
    help="Ask the gateway there, with IMAGEFERRY_API_TOKEN, instead of this machine's catalog.",
)
store = option(
    "--store", envvar="STORE_URL", metavar="URL", help="Where to: s3://bucket/prefix, az://, gs://, or a folder."
)
