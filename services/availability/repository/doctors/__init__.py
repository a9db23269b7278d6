"""The SQL of doctors and of their locations."""
