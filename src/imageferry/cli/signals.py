"""Ctrl-C and SIGTERM."""

import asyncio
import signal


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set an event on the first Ctrl-C or SIGTERM; the second one ends the process as usual."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        stop.set()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
