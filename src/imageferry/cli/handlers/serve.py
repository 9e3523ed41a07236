"""`imageferry serve`: run the gateway."""

from imageferry.cli.exit_codes import ExitCode
from imageferry.cli.output.console import Console
from imageferry.gateway import server
from imageferry.gateway.server import GatewayAddress
from imageferry.runtime import forbid_inspection
from imageferry.settings import Settings


async def serve_gateway(settings: Settings, *, console: Console) -> ExitCode:
    """Serve until SIGINT or SIGTERM; print the URL once the gateway is ready."""

    def on_ready(address: GatewayAddress) -> None:
        console.print(f"imageferry is running at {address.url} (press Ctrl-C to stop)")
        if address.sign_in_url is not None:
            console.print(f"Sign in (valid once, for ten minutes): {address.sign_in_url}")

    forbid_inspection()
    await server.serve(settings, on_ready=on_ready)
    return ExitCode.SUCCESS
