"""Pages for people: HTML, made by templates."""
