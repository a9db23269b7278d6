"""The SQL of displaced appointments, and of the places that they may get."""
