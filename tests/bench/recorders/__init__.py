"""The same tables under five recorders of changes: none, Horae, and three others in an environment of their own.

Each runs as a program (`tests.bench.recorders.subject`) with one recorder, told by `RECORDER`: a module here with
`INSTALLED`, the apps it needs; `record(entry, tag, remark)`, called once the models are made; `install()`, called once
the tables are; `recorded()`, its changes in the words of `tests.audit.writes`, oldest first; `forget()`; `acting()`, in
which somebody acts; and `LOG`, the tables that keep what was recorded.
"""
