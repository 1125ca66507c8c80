"""Words shared by every package: money, time, ids, roles, events, errors and ports."""
