"""Image search: filters, index scans, id-block scans and facets."""
