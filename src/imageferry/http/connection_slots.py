"""Places for requests: so many at once, first come, first served."""

import asyncio
from collections import deque


class Places:
    """A semaphore that costs nothing where there is a place."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_one(self) -> bool:
        """True: a place is the caller's, who gives it back; False: there is none now."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def wait_for_one(self) -> None:
        """Returns when a place is the caller's."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Let another have it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
