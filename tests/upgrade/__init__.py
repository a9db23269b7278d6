"""Upgrades: two releases side by side."""
