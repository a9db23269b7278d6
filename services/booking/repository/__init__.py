"""All SQL of booking, by aggregate and by use. Statements take arrays: their number in a batch does not depend on its size."""
