"""House rules that a machine can check; `python -m config.house` prints every breach as `file:line: rule`."""
