"""The blinded study: its protocol, items, order, answers, sealed key and statistics."""
