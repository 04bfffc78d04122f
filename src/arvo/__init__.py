"""Contract-first, event-driven handlers and durable orchestration."""
