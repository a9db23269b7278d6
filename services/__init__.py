"""The four services. This package must exist: without it `queue` would shadow the standard library's module."""
