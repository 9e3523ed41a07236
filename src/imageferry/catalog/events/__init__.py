"""The event log and the tracking of gaps in its ids."""
