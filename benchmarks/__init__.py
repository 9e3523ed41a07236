"""Benchmarks against rclone over the same files, on one machine, without any network."""
