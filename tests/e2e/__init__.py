"""End-to-end tests of the web page, in a browser."""
