"""The SQL of slots: locked, reserved, released, acknowledged, searched.

A batch of any size takes each statement once at most, and every lock is a statement of its own, in this order: doctors, missing
days, days. Rows are locked in one global order in every process. Every statement joins on the clinic beside what row level
security does.
"""
