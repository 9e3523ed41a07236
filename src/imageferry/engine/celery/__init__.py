"""The engine of many machines: Celery carries the messages, over RabbitMQ or Redis."""
