"""The Drive stand-in."""
