"""What an ECG is made of, taken apart and put together again: beats, rhythm, and what lies between."""
