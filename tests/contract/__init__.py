"""What several implementations, or real clients, must agree on."""
