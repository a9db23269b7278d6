"""One full round through the API by the API, in the environment of integration tests only."""
