"""The technical floor that all services stand on: delivery, inbox, outbox, transactions, locks, HTTP, logs and metrics."""
