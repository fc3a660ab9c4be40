"""The rater's page: neutral, by keyboard, without the truth."""
