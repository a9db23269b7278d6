"""The files of `docs` that are written out of the code: `make docs` runs this package."""
