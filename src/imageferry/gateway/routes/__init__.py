"""Routes of the REST API and the web page."""
