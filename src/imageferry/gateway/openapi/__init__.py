"""The OpenAPI document: descriptions, field documentation and examples."""
