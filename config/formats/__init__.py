"""How Django writes dates where its own way is not that of a European clinic; by language."""
