"""What happens to patients: registered, changed, merged, deleted, imported, found."""
