"""The crash rig: the real processes under load, killed at random, and witnesses who compare sent with stored."""
