"""The use cases of booking, one function each. They never commit and never publish: what they say goes through the `Unit`."""
