"""The engine of many machines: Celery delivers the messages, over RabbitMQ or Redis."""
