"""The transfer stage: download, verify and upload files."""
