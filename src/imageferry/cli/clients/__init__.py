"""Access to jobs and images: in the local catalog, or through a remote gateway's HTTP API."""
