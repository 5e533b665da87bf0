"""Models of scenes: images as several objects."""
