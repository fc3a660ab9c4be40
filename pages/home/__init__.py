"""What is here and what to do next."""
