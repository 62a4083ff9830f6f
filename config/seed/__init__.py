"""A believable group of clinics for the demo: invented people, real use cases, the same for the same seed and day."""
