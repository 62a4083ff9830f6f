"""django-appointment as it is shipped: settings, and a program that fills it and asks it. It speaks JSON."""
