"""The ledger: which work is ready, in flight and done, and every transition between those states."""
