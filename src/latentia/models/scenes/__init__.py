"""Models of scenes: images, and videos, as several objects."""
