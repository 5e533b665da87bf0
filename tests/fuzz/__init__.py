"""Inputs as an attacker, or an unlucky person, gives them: each in a process of its own with limits on time and memory."""
