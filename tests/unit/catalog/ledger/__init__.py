"""Unit tests of catalog/ledger."""
