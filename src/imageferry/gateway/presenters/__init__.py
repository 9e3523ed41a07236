"""Presenters: catalog records as API responses."""
