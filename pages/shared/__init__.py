"""What the pages share: shell, state, cache, panels, viewers."""
