"""The use cases of availability: `slots` for batches of messages, `doctors` and `days` for the registry."""
