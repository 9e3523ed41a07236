"""Python's garbage collector, told to look rarely: what is imported stays, and a transfer makes few cycles."""

import gc

# So many new objects before Python looks for garbage among them. To look after every 700, as it does by itself, took a
# twelfth of a transfer's time.
GARBAGE_OBJECTS_MIN = 20_000


def keep_what_is_here() -> None:
    """Look no more among what is there now, and rarely among what comes."""
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS_MIN, 20, 100)
    gc.enable()
