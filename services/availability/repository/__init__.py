"""All SQL of availability: `settings` and `slots` in plain SQL for batches, `doctors` and `days` for the registry."""
