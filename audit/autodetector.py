"""`makemigrations` knows about evidence: it compares the declarations with what the migrations install.

What is installed is read from the operations of the migrations themselves, in order, so a model that becomes audited,
moves to another chain or hides another column gets its operation, and `makemigrations --check` fails until it has.
"""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector, OperationDependency
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.operations import DeleteModel
from django.db.migrations.operations.base import Operation

from audit import functions, triggers
from audit.operations import InstallFunctions, InstallTriggers, RemoveTriggers

_Dependency = Any  # django-stubs knows the tuple of an older Django
_FUNCTIONS: _Dependency = OperationDependency("audit", "__functions__", None, OperationDependency.Type.CREATE)
_FACT: _Dependency = OperationDependency("audit", "fact", None, OperationDependency.Type.CREATE)


class Installed:
    """What the migrations of a graph install, once all of them are applied."""

    def __init__(self, graph: MigrationGraph | None) -> None:
        self.triggers: dict[str, InstallTriggers] = {}
        self.functions = ""
        seen: set[tuple[str, str]] = set()
        for leaf in graph.leaf_nodes() if graph else ():
            for key in graph.forwards_plan(leaf) if graph else ():
                migration = graph.nodes[key] if graph and key not in seen else None
                seen.add(key)
                for operation in migration.operations if migration else ():
                    self._apply(key[0], operation)

    def _apply(self, app_label: str, operation: Operation) -> None:
        if isinstance(operation, InstallFunctions):
            self.functions = operation.version
        elif isinstance(operation, InstallTriggers):
            self.triggers[operation.spec.table] = operation
        elif isinstance(operation, RemoveTriggers):
            self.triggers.pop(operation.spec.table, None)
        elif isinstance(operation, DeleteModel):
            gone = f"{app_label}.{operation.name_lower}"
            self.triggers = {table: found for table, found in self.triggers.items() if found.model != gone}


class EvidenceAutodetector(MigrationAutodetector):
    """Django's autodetector, with the operations of `audit.operations` right after what they need."""

    generated_operations: dict[str, list[Any]]

    def _detect_changes(self, convert_apps: Any = None, graph: MigrationGraph | None = None) -> Any:
        self._installed = Installed(graph)
        return super()._detect_changes(convert_apps, graph)  # type: ignore[misc] # not in the stubs

    def _sort_migrations(self) -> None:
        self._generate_functions()
        self._generate_triggers()
        super()._sort_migrations()  # type: ignore[misc] # not in the stubs
        for app_label, operations in self.generated_operations.items():
            self.generated_operations[app_label] = self._placed(app_label, operations)

    def check_dependency(self, operation: Operation, dependency: _Dependency) -> bool:
        if dependency == _FUNCTIONS:
            return isinstance(operation, InstallFunctions)
        return bool(super().check_dependency(operation, dependency))

    def _generate_functions(self) -> None:
        version = functions.version()
        if self._installed.functions != version:
            self.add_operation(
                "audit", InstallFunctions(version, replaces=self._installed.functions), dependencies=[_FACT]
            )

    def _generate_triggers(self) -> None:
        declared = triggers.audited_tables()
        for table, declaration in declared.items():
            model = declaration.model
            spec = triggers.Spec.of(declaration)
            installed = self._installed.triggers.get(table)
            if model._meta.managed and (installed is None or installed.spec != spec):
                operation = InstallTriggers(
                    declaration.label, table=table, chain=spec.chain, pk=spec.pk, digest=spec.digest
                )
                self.add_operation(_home(model), operation, dependencies=[_made_by(model), _FUNCTIONS])
        tables = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
        for table, installed in self._installed.triggers.items():
            if table in tables and table not in declared:
                spec = installed.spec
                removal = RemoveTriggers(installed.model, table=table, chain=spec.chain, pk=spec.pk, digest=spec.digest)
                self.add_operation(_home(tables[table]), removal)

    def _placed(self, app_label: str, operations: list[Any]) -> list[Any]:
        placed = [operation for operation in operations if not isinstance(operation, InstallTriggers)]
        for operation in operations:
            if isinstance(operation, InstallTriggers):
                all_needed: list[_Dependency] = operation._auto_deps  # type: ignore[attr-defined] # set by add_operation
                needed = [dependency for dependency in all_needed if dependency.app_label == app_label]
                last = max(
                    (
                        position
                        for position, other in enumerate(placed)
                        if any(self.check_dependency(other, dependency) for dependency in needed)
                    ),
                    default=len(placed) - 1,
                )
                placed.insert(last + 1, operation)
        return placed


def _home(model: type[models.Model]) -> str:
    """The app whose migrations carry the trigger: the model's own, unless it came from a package registry."""
    config = apps.get_app_config(model._meta.app_label)
    if not any(part.endswith("-packages") for part in Path(config.path).parts):
        return config.label
    return str(settings.EVIDENCE_HOME)


def _made_by(model: type[models.Model]) -> _Dependency:
    """The operation that creates the model's table: its own, or that of the many-to-many field it serves."""
    owner: Any = model._meta.auto_created
    create = OperationDependency.Type.CREATE
    if not owner:
        return OperationDependency(model._meta.app_label, str(model._meta.model_name), None, create)
    field = next(field for field in owner._meta.local_many_to_many if field.remote_field.through is model)
    return OperationDependency(owner._meta.app_label, owner._meta.model_name, field.name, create)
