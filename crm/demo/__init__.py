"""The demo club group: a made-up history (story and generator, pure), and what brings it in as events."""
