"""Models of videos: objects that move, and what they will do."""
