"""The questions of a service: lines of its page, and a page of each for its translations."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from bookings.admin.confined import ConfinedAdmin, ConfinedInline
from bookings.admin.forms import ConfinedForm, ConfinedFormSet
from bookings.models import HealthcareService, Question, QuestionText
from bookings.questions import MOST

MOST_OPTIONS: Final = 20
LONGEST_OPTION: Final = 80


class LinesField(forms.Field):
    """Answers to choose from, one a line; empty lines fall away."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 28})

    def prepare_value(self, value: Any) -> Any:
        """One a line."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """The lines that say something, in order."""
        return [" ".join(line.split()) for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other answers stand there now."""
        return list(initial or []) != self.to_python(data)

    def validate(self, value: Sequence[str]) -> None:
        """Refuse what a form could not show, or could not tell apart."""
        super().validate(value)
        if len(set(value)) < len(value):
            raise forms.ValidationError(_("Write each answer once."), code="twice")
        if len(value) > MOST_OPTIONS or any(len(line) > LONGEST_OPTION for line in value):
            raise forms.ValidationError(
                _("At most %(most)d answers of at most %(longest)d characters."),
                code="long",
                params={"most": MOST_OPTIONS, "longest": LONGEST_OPTION},
            )


class QuestionForm(ConfinedForm[Question]):
    """A question; one to choose from says what can be chosen."""

    options = LinesField(
        label=_("Answers to choose from"),
        required=False,
        help_text=_("One a line; only where one of several is chosen."),
    )

    class Meta:
        model = Question
        exclude = ()

    def clean(self) -> dict[str, Any]:
        """Refuse a choice of nothing."""
        cleaned = super().clean()
        if cleaned.get("kind") != Question.Kind.CHOICE:
            cleaned["options"] = []
        elif not cleaned.get("options") and "options" not in self.errors:
            self.add_error("options", _("Write the answers to choose from, one a line."))
        return cleaned


class QuestionLineForm(QuestionForm):
    """A question on its service's page, where its translations are out of sight."""

    def clean(self) -> dict[str, Any]:
        """Refuse to leave translations behind that have another number of answers."""
        cleaned = super().clean()
        options = cleaned.get("options") or []
        there = not self.instance._state.adding and options and "options" in self.changed_data
        if there and any(len(text.options) != len(options) for text in self.instance.texts.all()):
            self.add_error(
                "options", _("Its translations have another number of answers. Change both on the question’s own page.")
            )
        return cleaned


class QuestionTextForm(ConfinedForm[QuestionText]):
    """A question in one more language, with as many answers to choose from as it has itself."""

    options = LinesField(
        label=_("Answers to choose from"), required=False, help_text=_("One a line, in the same order.")
    )

    class Meta:
        model = QuestionText
        exclude = ()

    def clean(self) -> dict[str, Any]:
        """Refuse another number of answers than the question has: nobody could tell which is which."""
        cleaned = super().clean()
        question = self.instance.question
        if question.kind != Question.Kind.CHOICE:
            cleaned["options"] = []
        elif "options" not in self.errors and len(cleaned.get("options") or []) != len(question.options):
            said = _("The question has %(count)d answers: write as many, in the same order.")
            self.add_error(
                "options", forms.ValidationError(said, code="number", params={"count": len(question.options)})
            )
        return cleaned


class QuestionInline(ConfinedInline[Question, HealthcareService]):
    """What is asked of whoever books the service."""

    model = Question
    form = QuestionLineForm
    max_num = MOST
    fields = ("order", "kind", "text", "hint", "options", "active", "translations")
    readonly_fields = ("translations",)
    verbose_name_plural = _("questions to whoever books; nobody must answer, and no answer decides anything")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        return super().get_queryset(request).prefetch_related("texts")

    @admin.display(description=_("translations"))
    def translations(self, question: Question) -> str | SafeString:
        """The languages it has, leading to where they are written."""
        if question._state.adding:
            return str(_("after saving"))
        spoken = ", ".join(text.language for text in question.texts.all())
        url = reverse("admin:bookings_question_change", args=[question.pk])
        return format_html('<a href="{}">{}</a>', url, spoken or _("add"))


class QuestionTextFormSet(ConfinedFormSet[QuestionText, Question]):
    """The translations of a question, each measured against the question as it is being saved."""

    def _construct_form(self, i: int, **kwargs: Any) -> "forms.ModelForm[QuestionText]":
        form = super()._construct_form(i, **kwargs)
        form.instance.question = self.instance
        return form


class QuestionTextInline(ConfinedInline[QuestionText, Question]):
    """The question in one more language."""

    model = QuestionText
    form = QuestionTextForm
    formset = QuestionTextFormSet
    fields = ("language", "text", "hint", "options")


@admin.register(Question)
class QuestionAdmin(ConfinedAdmin[Question]):
    """One question with its translations. It is reached from its service's page, added and deleted there."""

    form = QuestionForm
    list_display = ("text", "service", "kind", "active")
    list_select_related = ("service",)
    fields = ("service", "text", "hint", "kind", "options", "order", "active")
    readonly_fields = ("service",)
    inlines = (QuestionTextInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        return super().get_queryset(request).select_related("service")

    def response_post_save_change(self, request: HttpRequest, obj: Question) -> HttpResponseRedirect:
        """Back to the service."""
        return HttpResponseRedirect(reverse("admin:bookings_healthcareservice_change", args=[obj.service_id]))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Question | None = None) -> bool:
        return False
