"""All SQL of availability, by what it is about. Batches run plain SQL on asyncpg, registry calls SQLAlchemy where it helps."""
