"""Where this room joins the house: a consumer of the stream, a panel on the appointment's page. Imported once."""

from audit.stream import Consumer, register
from bookings import panels
from notifications.panel import MessagesPanel
from notifications.plan import MODELS, plan

register(Consumer(name="notifications", models=MODELS, plan=plan))
panels.register(MessagesPanel())
