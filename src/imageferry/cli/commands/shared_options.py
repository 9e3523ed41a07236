"""Flags and types that several commands share."""

from functools import partial

import click

BYTES = click.IntRange(min=0)
DAY = click.DateTime(formats=["%Y-%m-%d"])

option = partial(click.option, show_envvar=True)

as_json = option("--json", "as_json", is_flag=True, help="Print the result as one JSON object on stdout.")
job_id = click.argument("job_id", metavar="JOB")  # an id, or its start
port = option("--port", type=int, envvar="PORT", help="Port to listen on. [default: 8000]")
server = option(
    "--server",
    envvar="IMAGEFERRY_SERVER",
    metavar="URL",
    help="Use the gateway at this URL, with IMAGEFERRY_API_TOKEN, instead of the local catalog.",
)
store = option(
    "--store",
    envvar="STORE_URL",
    metavar="URL",
    help="Where to store the images: s3://bucket/prefix, az://..., gs://..., or a local folder.",
)
