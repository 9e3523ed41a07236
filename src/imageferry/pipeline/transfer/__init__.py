"""The transfer stage: downloads, verifies and uploads files."""
