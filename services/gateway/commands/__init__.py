"""A command from its request to its answer: checked, published to Kafka, waited for, told of."""
