"""Simulations of sources."""
