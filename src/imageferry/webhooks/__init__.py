"""Webhooks: notify a URL when a job finishes."""
