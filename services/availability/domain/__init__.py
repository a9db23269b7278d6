"""Availability's rules without I/O, by aggregate: `days` for days and slots, `codes` for what doctors are called."""
