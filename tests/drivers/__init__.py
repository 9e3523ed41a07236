"""Test drivers: processes, the import flow, the ledger, HTTP clients and sample data."""
