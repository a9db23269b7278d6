"""Who asks, and for which clinic."""
