"""The invariants of the architecture, by number: each a function of the evidence that counts what it looks at."""
