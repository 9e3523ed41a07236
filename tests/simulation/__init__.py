"""Simulations: minutes of virtual time, deterministic, seconds of CPU each."""
