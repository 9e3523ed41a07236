"""The HTTP gateway: imports, jobs and images for programs, and a page for people."""
