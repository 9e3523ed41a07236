"""What the gateway takes and answers, as its OpenAPI document describes it."""
