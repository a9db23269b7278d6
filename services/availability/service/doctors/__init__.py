"""What happens to doctors: registered, changed, deleted, imported, read."""
