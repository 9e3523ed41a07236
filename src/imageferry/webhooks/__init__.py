"""Webhooks: telling whoever asked for it that a job came to its end."""
