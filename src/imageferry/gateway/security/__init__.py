"""Security: authentication, host and origin checks, rate limits and request body limits."""
