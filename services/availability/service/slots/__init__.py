"""Use cases about slots: reserved, released, acknowledged, searched, resolved."""
