"""Migrations install triggers where the declarations ask for them, and take them away where they do not."""

from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.db import connection
from django.db.migrations import CreateModel, Migration
from django.db.migrations.autodetector import OperationDependency
from django.db.migrations.graph import MigrationGraph
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddField, DeleteModel
from django.db.migrations.optimizer import MigrationOptimizer
from django.db.migrations.questioner import NonInteractiveMigrationQuestioner
from django.db.migrations.state import ProjectState
from django.db.migrations.writer import MigrationWriter
from django.db.models import BigAutoField, TextField

from audit import functions, triggers
from audit.autodetector import EvidenceAutodetector, Installed
from audit.operations import InstallFunctions, InstallTriggers, RemoveTriggers

ENTRY: dict[str, Any] = {"table": "sample_entry", "chain": "clinic", "pk": "id", "digest": ["secret"]}


@pytest.fixture
def specs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Tables and their declarations, to be changed."""
    declared = dict(triggers.audited_tables())
    monkeypatch.setattr(triggers, "audited_tables", lambda: declared)
    return declared


def changes() -> dict[str, list[Migration]]:
    loader = MigrationLoader(None)
    detector = EvidenceAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), NonInteractiveMigrationQuestioner(specified_apps=set())
    )
    found: dict[str, list[Migration]] = detector.changes(graph=loader.graph)
    return found


def written(name: str, made: list[Any]) -> Migration:
    migration: Migration = type("Migration", (Migration,), {"operations": made})(name, "sample")
    return migration


def operations(app_label: str) -> list[Any]:
    return [operation for migration in changes().get(app_label, []) for operation in migration.operations]


def test_nothing_is_left_to_install() -> None:
    assert not [
        operation
        for migrations in changes().values()
        for migration in migrations
        for operation in migration.operations
        if isinstance(operation, InstallFunctions | InstallTriggers | RemoveTriggers)
    ]


def test_changed_functions_ask_for_a_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(functions, "version", lambda: "another")
    (operation,) = operations("audit")
    installed = Installed(MigrationLoader(None).graph).functions
    assert (operation.version, operation.replaces) == ("another", installed)


def test_another_chain_asks_for_a_migration(specs: dict[str, Any]) -> None:
    specs["sample_entry"] = replace(specs["sample_entry"], chain_column=None)
    (operation,) = operations("sample")
    assert isinstance(operation, InstallTriggers)
    assert operation.spec == triggers.Spec(table="sample_entry", chain="", pk="id", digest=("secret",))


def test_a_table_that_is_no_evidence_any_more_loses_its_triggers(specs: dict[str, Any]) -> None:
    del specs["sample_visit"]
    (operation,) = operations("sample")
    assert isinstance(operation, RemoveTriggers)
    assert operation.spec.table == "sample_visit"


def test_triggers_come_right_after_their_table() -> None:
    loader = MigrationLoader(None)
    detector = EvidenceAutodetector(
        ProjectState(real_apps=loader.unmigrated_apps),
        ProjectState.from_apps(apps),
        NonInteractiveMigrationQuestioner(),
    )
    detector.existing_apps = set()
    found = detector._detect_changes(graph=MigrationGraph())
    made = [operation for migration in found["sample"] for operation in migration.operations]
    position = next(n for n, one in enumerate(made) if isinstance(one, CreateModel) and one.name == "Visit")
    assert isinstance(made[position + 1], InstallTriggers)
    assert made[position + 1].spec.table == "sample_visit"
    through = next(n for n, one in enumerate(made) if getattr(one, "model", "") == "sample.entry_tags")
    assert isinstance(made[through - 1], AddField)
    assert ("audit", found["audit"][-1].name) in {
        dependency for migration in found["sample"] for dependency in migration.dependencies
    }


def test_tables_of_packages_have_a_home_of_ours(settings: Any) -> None:
    installed = Installed(MigrationLoader(None).graph).triggers
    graph = MigrationLoader(None).graph
    homes = {
        operation.spec.table: key[0]
        for key, migration in graph.nodes.items()
        for operation in migration.operations
        if isinstance(operation, InstallTriggers)
    }
    assert homes.keys() == installed.keys()
    packaged = {table for table, home in homes.items() if home == settings.EVIDENCE_HOME}
    assert "sample_entry" not in packaged
    assert "auth_group" in packaged


def test_what_the_migrations_say_is_folded_in_order() -> None:
    graph = MigrationGraph()
    kept = InstallTriggers("a.b", table="a_b", chain="", pk="id")
    gone = InstallTriggers("sample.gone", table="sample_gone", chain="", pk="id")
    steps: list[list[Any]] = [
        [InstallFunctions("1"), InstallTriggers("sample.entry", **ENTRY), kept],
        [InstallFunctions("2", replaces="1"), InstallTriggers("sample.entry", **(ENTRY | {"chain": ""}))],
        [RemoveTriggers("sample.entry", **ENTRY), gone],
        [DeleteModel("Gone")],
    ]
    for number, made in enumerate(steps):
        migration = written(str(number), made)
        graph.add_node(("sample", str(number)), migration)
        if number:
            graph.add_dependency(migration, ("sample", str(number)), ("sample", str(number - 1)))
    installed = Installed(graph)
    assert installed.functions == "2"
    assert list(installed.triggers) == ["a_b"]


def test_an_operation_is_written_with_plain_values() -> None:
    migration = written("0001_x", [InstallTriggers("sample.Entry", **ENTRY), InstallFunctions("2", replaces="1")])
    text = MigrationWriter(migration).as_string()
    assert "audit.operations.InstallTriggers(\n            model='sample.entry'," in text
    assert "digest=['secret']" in text
    assert "replaces='1'" in text
    assert "audit.declare" not in text


def test_fields_may_be_folded_into_their_table_past_the_trigger() -> None:
    folded = MigrationOptimizer().optimize(
        [
            CreateModel("Entry", [("id", BigAutoField(primary_key=True))]),
            InstallTriggers("sample.entry", **ENTRY),
            AddField("Entry", "name", TextField(default="")),
        ],
        "sample",
    )
    assert [type(operation) for operation in folded] == [CreateModel, InstallTriggers]


@pytest.mark.django_db
def test_installing_and_removing_undo_each_other() -> None:
    state = ProjectState()
    install = InstallTriggers("sample.scratch", table="sample_scratch", chain="", pk="id")
    remove = RemoveTriggers("sample.scratch", table="sample_scratch", chain="", pk="id")

    def undeclared() -> bool:
        return triggers.Discrepancy("sample_scratch", "undeclared") in triggers.discrepancies()

    with connection.schema_editor(atomic=False) as editor:
        install.database_forwards("sample", editor, state, state)
        assert undeclared()
        install.database_backwards("sample", editor, state, state)
        assert not undeclared()
        remove.database_backwards("sample", editor, state, state)
        assert undeclared()
        remove.database_forwards("sample", editor, state, state)
        assert not undeclared()


def test_both_commands_use_the_same_autodetector() -> None:
    assert not [message for message in run_checks(tags=["commands"]) if message.id == "commands.E001"]


def test_functions_are_a_dependency_of_their_own() -> None:
    detector = EvidenceAutodetector(ProjectState(), ProjectState())
    needed = OperationDependency("audit", "__functions__", None, OperationDependency.Type.CREATE)
    assert detector.check_dependency(InstallFunctions("1"), needed)
    assert not detector.check_dependency(CreateModel("Fact", []), needed)
