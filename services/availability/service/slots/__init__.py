"""Slots: given to reservations, freed, acknowledged, searched, looked up."""
