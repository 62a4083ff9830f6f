"""Pages of the patient's account."""
