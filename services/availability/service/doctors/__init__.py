"""Use cases about doctors: registered, read, searched, changed, deleted, imported."""
