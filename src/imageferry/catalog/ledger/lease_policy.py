"""The limits under which work is given out."""

from msgspec import Struct


class LeasePolicy(Struct, frozen=True, kw_only=True):
    """How much is under way at once, for how long, and how often it is tried."""

    batches_in_flight_max: int = 4  # the window, which all jobs share
    folders_in_flight_max: int = 16  # the same for listings
    lease_ms: int = 60_000  # how long whoever works on something may give no sign of life
    item_tries_max: int = 3
    folder_tries_max: int = 5
    apart_tries: int = 3  # a batch is given out so often without anything coming back: its files go on apart
    tries_max: int = 10  # the same, of a folder or of a file apart: it is set aside
    stale_pages_max: int = 1_000  # pages in a row that bring nothing new, beyond a second reading of all that did
    again_ms: int = 2_000  # before the first repetition; doubles
    again_ms_max: int = 60_000
    probe_ms: int = 15_000  # between the probes of a waiting job

    def batches_of(self, credit: int) -> int:
        """How many batches a job may have in flight."""
        return min(credit, self.batches_in_flight_max)

    def folders_of(self, credit: int) -> int:
        """How many folders a job may have in flight: its part of the window, and one at least if it has any credit."""
        part = self.folders_in_flight_max * self.batches_of(credit) // self.batches_in_flight_max
        return max(part, min(credit, 1))

    @property
    def queue_ms(self) -> int:
        """How long work may wait in a queue before it counts as lost, whatever the queue holds."""
        return 10 * self.lease_ms

    @property
    def sign_of_life_s(self) -> float:
        """How often whoever works on something is to give a sign of life: two may go astray."""
        return self.lease_ms / 3_000

    def pause_ms(self, tries: int) -> int:
        """How long work rests after it failed for the `tries`-th time."""
        return min(self.again_ms << max(tries - 1, 0), self.again_ms_max)
