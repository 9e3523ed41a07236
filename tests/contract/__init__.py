"""Contracts that several implementations of a port, or real clients, must fulfil."""
