"""What every service shares: the wire (`contracts`) and the technical floor (`infra`)."""
