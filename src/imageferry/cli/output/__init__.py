"""What commands print: console lines, progress, reports and JSON."""
