"""Clients of jobs and images: the local catalog, or a gateway over HTTP."""
