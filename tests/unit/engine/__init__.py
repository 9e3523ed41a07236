"""Parts of engines, apart."""
