"""Presenters: catalog records as the API shows them."""
