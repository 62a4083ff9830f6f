"""Tables of the clinic: who, where, when, taken by what."""

from bookings.models.appointments import TAKES_TIME, Appointment, AppointmentSeries, AppointmentStatus, Hold, Occupancy
from bookings.models.drafts import CodeQuota, ContactChallenge, Draft
from bookings.models.notices import Notice
from bookings.models.patients import NoticeShown, Patient, PatientIdentifier, PatientIndex, RelatedPerson
from bookings.models.people import Identifier, Practitioner, Role, StaffMembership, User
from bookings.models.places import Clinic, Location, PrivacyNotice, Room
from bookings.models.schedules import Closure, OpeningHours, Schedule, Weekday
from bookings.models.services import HealthcareService, ServicePractitioner, ServiceText

__all__ = [
    "TAKES_TIME",
    "Appointment",
    "AppointmentSeries",
    "AppointmentStatus",
    "Clinic",
    "Closure",
    "CodeQuota",
    "ContactChallenge",
    "Draft",
    "HealthcareService",
    "Hold",
    "Identifier",
    "Location",
    "Notice",
    "NoticeShown",
    "Occupancy",
    "OpeningHours",
    "Patient",
    "PatientIdentifier",
    "PatientIndex",
    "Practitioner",
    "PrivacyNotice",
    "RelatedPerson",
    "Role",
    "Room",
    "Schedule",
    "ServicePractitioner",
    "ServiceText",
    "StaffMembership",
    "User",
    "Weekday",
]
