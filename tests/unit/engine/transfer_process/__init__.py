"""Unit tests of engine/transfer_process."""
