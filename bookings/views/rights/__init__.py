"""What a patient asks of their data."""
