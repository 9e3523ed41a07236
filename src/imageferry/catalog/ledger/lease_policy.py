"""The lease and retry policy of the ledger."""

from msgspec import Struct


class LeasePolicy(Struct, frozen=True, kw_only=True):
    """How much work is in flight at once, how long its leases last, and how often it is retried."""

    batches_in_flight_max: int = 4  # over all jobs
    folders_in_flight_max: int = 16  # over all jobs
    lease_ms: int = 60_000  # work without a heartbeat for this long counts as lost
    item_tries_max: int = 3
    folder_tries_max: int = 5
    split_after_tries: int = 3  # a batch dispatched this often without any outcome is split into one batch per file
    tries_max: int = 10  # a folder or a one-file batch dispatched this often without any outcome is dead-lettered
    stale_pages_max: int = 1_000  # pages in a row with nothing new, in addition to one repetition of all fresh pages
    backoff_ms_min: int = 2_000  # before the first retry; doubles with each further one
    backoff_ms_max: int = 60_000
    unserved_after_ms: int = 30_000  # how long no worker may serve a stage before the jobs that need it wait
    probe_interval_ms: int = 15_000  # how long a waiting job waits before it tries again

    def batches_max(self, credit: int) -> int:
        """Return how many batches a job with this credit may have in flight."""
        return min(credit, self.batches_in_flight_max)

    def folders_max(self, credit: int) -> int:
        """Return how many folders a job may have in flight: in proportion to its batches, and one for any credit."""
        proportion = self.folders_in_flight_max * self.batches_max(credit) // self.batches_in_flight_max
        return max(proportion, min(credit, 1))

    @property
    def queue_wait_ms_max(self) -> int:
        """How long a message may wait in a queue before it counts as lost, even if the queue still has it."""
        return 10 * self.lease_ms

    @property
    def heartbeat_interval_s(self) -> float:
        """How often to renew a lease: a third of it, so that two heartbeats may be lost."""
        return self.lease_ms / 3_000

    def backoff_ms(self, tries: int) -> int:
        """Return how long to wait after the `tries`-th failure."""
        return min(self.backoff_ms_min << max(tries - 1, 0), self.backoff_ms_max)
