"""Tables of the clinic: who, where, when, taken by what."""

from bookings.models.accounts import AccountIndex, PatientAccount
from bookings.models.appointments import TAKES_TIME, Appointment, AppointmentSeries, AppointmentStatus
from bookings.models.consents import Consent, ConsentPurpose, ConsentText
from bookings.models.drafts import CodeQuota, ContactChallenge, Draft
from bookings.models.duplicates import PossibleDuplicate
from bookings.models.notices import Notice
from bookings.models.occupancies import Hold, Occupancy
from bookings.models.participants import Participant, ParticipantStatus
from bookings.models.patients import NoticeShown, Patient, PatientIdentifier, PatientIndex, RelatedPerson
from bookings.models.people import Identifier, Practitioner, Role, StaffMembership, User
from bookings.models.places import Clinic, Device, Location, PrivacyNotice, Room
from bookings.models.questions import Answer, Question, QuestionText
from bookings.models.requests import DataRequest
from bookings.models.schedules import Closure, OpeningHours, Schedule, Weekday
from bookings.models.services import HealthcareService, ServicePractitioner, ServiceTerms, ServiceText
from bookings.models.sessions import GroupSession
from bookings.models.sources import SourceCount
from bookings.models.texts import ClinicText, LocationText
from bookings.models.words import Coverage, Need, Standing, VisitKind

__all__ = [
    "TAKES_TIME",
    "AccountIndex",
    "Answer",
    "Appointment",
    "AppointmentSeries",
    "AppointmentStatus",
    "Clinic",
    "ClinicText",
    "Closure",
    "CodeQuota",
    "Consent",
    "ConsentPurpose",
    "ConsentText",
    "ContactChallenge",
    "Coverage",
    "DataRequest",
    "Device",
    "Draft",
    "GroupSession",
    "HealthcareService",
    "Hold",
    "Identifier",
    "Location",
    "LocationText",
    "Need",
    "Notice",
    "NoticeShown",
    "Occupancy",
    "OpeningHours",
    "Participant",
    "ParticipantStatus",
    "Patient",
    "PatientAccount",
    "PatientIdentifier",
    "PatientIndex",
    "PossibleDuplicate",
    "Practitioner",
    "PrivacyNotice",
    "Question",
    "QuestionText",
    "RelatedPerson",
    "Role",
    "Room",
    "Schedule",
    "ServicePractitioner",
    "ServiceTerms",
    "ServiceText",
    "SourceCount",
    "StaffMembership",
    "Standing",
    "User",
    "VisitKind",
    "Weekday",
]
