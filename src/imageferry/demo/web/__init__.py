"""Drive's public web pages."""
