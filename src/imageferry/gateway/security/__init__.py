"""What a request must satisfy before any route sees it, and what its answer is dressed in."""
