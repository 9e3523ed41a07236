"""The OpenAPI document: descriptions, field docs and examples."""
