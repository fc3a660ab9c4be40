"""Real and synthetic side by side."""
