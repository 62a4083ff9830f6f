"""Where this room joins the house: a consumer of the stream, a panel on the appointment's page. Imported once."""

from audit.stream import Consumer, register
from bookings import panels
from calendars.panel import CalendarsPanel
from calendars.plan import MODELS, plan

register(Consumer(name="calendars", models=MODELS, plan=plan))
panels.register(CalendarsPanel())
