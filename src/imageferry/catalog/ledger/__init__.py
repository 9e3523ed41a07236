"""The ledger: which work is ready, in flight and done, and every transition between those states.

A transition that reads before it writes locks its job's row first: of two processes that change the same work, one
wins, and the other finds it done. Single updates, such as `requeue` and `renew_lease`, check the state themselves. So
every transition is safe to repeat. Times are in milliseconds since 1970.
"""
