"""Kafka: records, the broker and its consumers, the producer, and what is done with a batch that fails."""
