"""HTTP gateway: the REST API and the web page."""
