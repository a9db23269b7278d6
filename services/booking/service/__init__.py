"""The use cases of booking, one function each. They never commit and never publish: that is done by `Units`."""
