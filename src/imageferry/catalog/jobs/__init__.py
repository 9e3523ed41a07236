"""Jobs and what belongs to them: items, idempotency keys, receipts, progress samples, webhook deliveries."""
