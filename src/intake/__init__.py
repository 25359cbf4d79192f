"""What roles take in from strangers: fetched within caps, checked before anything reads it."""
