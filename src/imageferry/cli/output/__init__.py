"""What commands print: console, progress bar, formatting and JSON."""
