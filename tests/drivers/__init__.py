"""What tests drive the product with: processes, the import flow, the ledger, HTTP clients and sample data."""
