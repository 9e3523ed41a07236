"""Jobs and what belongs to them: items, idempotency keys, manifests, progress samples, webhook deliveries."""
