"""Ends the processes of a worker that stop responding, from its main process, which has a GIL of its own."""

import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread
from time import sleep

import msgspec
from celery import Celery
from celery.worker import state
from celery.worker.consumer import Consumer
from celery.worker.request import Request

from imageferry.engine.celery.app import Role, publish, queue_name
from imageferry.engine.celery.stop_signals import StopFlag
from imageferry.engine.watchdog import CHECK_INTERVAL_S, SilenceTimer, record_of_hung
from imageferry.errors import TransientError
from imageferry.log import log
from imageferry.model import Transfer
from imageferry.subprocess_protocol.heartbeat import Heartbeat


class Watchdog:
    """Watches the heartbeats of a worker's processes: one for each slot, which a process and its replacements share."""

    def __init__(
        self, app: Celery, *, heartbeats: Sequence[Heartbeat], silence_s_max: float, stop_flag: StopFlag
    ) -> None:
        self._app = app
        self._transfer_task = queue_name(app, Role.TRANSFER)
        self._timers = {heartbeat: SilenceTimer(heartbeat, silence_s_max=silence_s_max) for heartbeat in heartbeats}
        self._stop_flag = stop_flag
        self._consumer: Consumer = None
        self._is_watching = False

    @property
    def is_responding(self) -> bool:
        """False while a process does not respond."""
        return all(timer.is_responding for timer in self._timers.values())

    def watch(self, consumer: Consumer) -> None:
        """Start to watch. Called with a new consumer after each reconnection to the broker."""
        self._consumer = consumer
        if not self._is_watching:
            self._is_watching = True
            # A thread, because a worker that stops runs no event loop while it waits for its processes.
            Thread(target=self._watch_forever, name="watchdog", daemon=True).start()

    def _watch_forever(self) -> None:
        while True:
            sleep(CHECK_INTERVAL_S)
            for heartbeat, timer in self._timers.items():
                timer.observe()
                if timer.has_expired(is_stopping=self._stop_flag.is_set):
                    timer.reset()
                    try:
                        self._end(heartbeat)
                    except Exception:  # the next look tries again: without this thread a hung process would stay
                        log.exception("watchdog.failed")

    def _end(self, heartbeat: Heartbeat) -> None:
        request = _active_request(heartbeat.process_id)
        if request is not None and self._report(request, heartbeat):
            # Kills the process and acknowledges the message, on the thread that has the connection to the broker.
            self._consumer.hub.call_soon(request.terminate, self._consumer.pool, "SIGKILL")
        else:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(heartbeat.process_id, signal.SIGKILL)
                log.warning("worker_process.hung", process_id=heartbeat.process_id)
            heartbeat.rest()

    def _report(self, request: Request, heartbeat: Heartbeat) -> bool:
        """Report a batch whose process hangs.

        Return False if that is left to the broker, which redelivers a batch, and to the lease of other messages.
        """
        if request.name != self._transfer_task or self._stop_flag.is_set:
            return False
        log.warning("worker_process.hung", process_id=heartbeat.process_id)
        record = record_of_hung(msgspec.convert(request.args[0], Transfer), item_ids=heartbeat.item_ids)
        try:
            publish(self._app, record)
        except TransientError as exc:
            log.warning("broker.unavailable", detail=exc.message)
            return False
        return True


def _active_request(process_id: int) -> Request | None:
    """Return the message that a process works on."""
    requests = state.active_requests.copy()
    return next((request for request in requests if request.worker_pid == process_id), None)
