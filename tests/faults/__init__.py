"""Crashes, pauses and lost connections under a seeded load; a checker from outside judges every round."""
