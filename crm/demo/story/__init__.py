"""A year in the life of two made-up golf clubs, told as events. Pure, and the same for the same seed and day."""
