"""SQL of the gateway's own tables."""
