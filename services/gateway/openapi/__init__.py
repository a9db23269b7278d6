"""What the OpenAPI document says beside the routes' own types. Routes use `operations` and the examples of their aggregate."""
