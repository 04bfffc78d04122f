"""The durable runtime beside DBOS, and by itself: workflows and deliveries a second, latency, memory, long queues."""
