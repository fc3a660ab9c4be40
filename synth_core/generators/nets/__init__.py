"""Networks shared by generators."""
