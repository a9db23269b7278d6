"""A command from its request to its answer: its message is made and published to Kafka, its outcome is waited for."""
