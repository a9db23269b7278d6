"""Looks from outside at what runs: Kafka's log, dead letters, databases; they disturb nobody."""
