"""Making, watching and opening a blinded study: the owner's page."""
