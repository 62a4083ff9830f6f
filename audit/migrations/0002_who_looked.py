import audit.models.records
import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index of whom read records name, made while records go on being written."""

    atomic = False

    dependencies = [
        ('audit', '0001_initial'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='record',
            index=django.contrib.postgres.indexes.GinIndex(audit.models.records.PatientsShown('body'), condition=models.Q(('operation', 'read')), name='record_read_patients'),
        ),
    ]
