"""Migration operations that put the evidence triggers in place.

Each carries plain values, not a reference to today's declarations, so an old migration does tomorrow what it did when
it was written. `makemigrations` adds them (`audit.autodetector`); nobody writes one by hand.
"""

from collections.abc import Sequence
from typing import Any

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddField, AlterField
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from audit import functions, triggers


class InstallFunctions(Operation):
    """Create or replace the functions the triggers call.

    `version` names their text (`audit.functions.version`), `replaces` the text there was before, empty the first time.
    """

    category = OperationCategory.SQL

    def __init__(self, version: str, *, replaces: str = "") -> None:
        self.version = version
        self.replaces = replaces

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return type(self).__name__, [self.version], {"replaces": self.replaces} if self.replaces else {}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing a model would show."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label, model_name="fact"):
            for statement in functions.function_statements(schema=_schema(schema_editor)):
                schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        # A later one replaced what an earlier one had made, and triggers use it: only the first takes them away.
        if not self.replaces and router.allow_migrate(schema_editor.connection.alias, app_label, model_name="fact"):
            for statement in functions.drop_function_statements(schema=_schema(schema_editor)):
                schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Install the evidence functions, version {self.version}"

    @property
    def migration_name_fragment(self) -> str:
        return "evidence_functions"

    def reduce(self, operation: Operation, app_label: str) -> bool | list[Operation]:
        return [operation] if isinstance(operation, InstallFunctions) else True

    def references_model(self, name: str, app_label: str) -> bool:
        return (app_label, name.lower()) == ("audit", "fact")


class _TriggerOperation(Operation):
    """What installing and removing share: the table, whose model it is, and the arguments of its trigger."""

    category = OperationCategory.SQL

    def __init__(self, model: str, *, table: str, chain: str, pk: str, digest: Sequence[str] = ()) -> None:
        self.model = model.lower()
        self.spec = triggers.Spec(table=table, chain=chain, pk=pk, digest=tuple(digest))

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        values: dict[str, Any] = {"table": self.spec.table, "chain": self.spec.chain, "pk": self.spec.pk}
        if self.spec.digest:
            values["digest"] = list(self.spec.digest)
        return type(self).__name__, [self.model], values

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing a model would show."""

    def reduce(self, operation: Operation, app_label: str) -> bool | list[Operation]:
        # The function reads whole rows: a column more or another type changes nothing for it.
        if isinstance(operation, AddField | AlterField):
            return True
        label, name = self.model.split(".")
        return label == app_label and not operation.references_model(name, app_label)

    def references_model(self, name: str, app_label: str) -> bool:
        return self.model == f"{app_label}.{name}".lower()

    def _install(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if self._wanted(schema_editor):
            for statement in triggers.trigger_statements(self.spec):
                schema_editor.execute(statement, params=None)

    def _remove(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        if self._wanted(schema_editor):
            for statement in triggers.drop_trigger_statements(self.spec.table):
                schema_editor.execute(statement, params=None)

    def _wanted(self, schema_editor: BaseDatabaseSchemaEditor) -> bool:
        label, name = self.model.split(".")
        return router.allow_migrate(schema_editor.connection.alias, label, model_name=name)


class InstallTriggers(_TriggerOperation):
    """Changes of a table become facts from here on. `model` is `app.model`; `chain`, `pk` and `digest` are columns."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._install(schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._remove(schema_editor)

    def describe(self) -> str:
        return f"Make changes of {self.model} evidence"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model.replace('.', '_')}_evidence"


class RemoveTriggers(_TriggerOperation):
    """Changes of a table are no evidence any more: its declaration says why."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._remove(schema_editor)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._install(schema_editor)

    def describe(self) -> str:
        return f"Changes of {self.model} are no evidence any more"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model.replace('.', '_')}_no_evidence"


def _schema(schema_editor: BaseDatabaseSchemaEditor) -> str:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        return str(cursor.fetchone()[0])
