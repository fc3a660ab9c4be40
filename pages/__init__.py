"""The pages of the workbench: one folder each, and what they share."""
