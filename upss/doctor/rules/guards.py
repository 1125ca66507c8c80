"""Checks of what makes the ledger append-only and true: triggers, constraints, functions, rights."""

from __future__ import annotations

from upss.doctor.rules.check import Check

# Whoever is to change the ledger must take one of these away first, or put another in its place.
# A foreign key is as good as the hidden triggers behind it; so they must be on, too.
TRIGGERS = Check(
    "guards_triggers",
    """
    WITH there AS (
      SELECT 'trigger' AS kind, c.relname || '.' || t.tgname AS name,
             pg_get_triggerdef(t.oid) AS definition, t.tgenabled IN ('O', 'A') AS is_on
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       WHERE c.relnamespace = to_regnamespace('ledger') AND NOT t.tgisinternal
      UNION ALL
      SELECT 'constraint', c.relname || '.' || k.conname, pg_get_constraintdef(k.oid),
             k.convalidated AND NOT EXISTS (
               SELECT 1 FROM pg_trigger t
                WHERE t.tgconstraint = k.oid AND t.tgenabled NOT IN ('O', 'A'))
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
       WHERE k.connamespace = to_regnamespace('ledger') AND k.contype IN ('c', 'f', 'p', 'u')
      UNION ALL
      SELECT 'index', t.relname || '.' || c.relname, pg_get_indexdef(c.oid), i.indisvalid
        FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid
        JOIN pg_class t ON t.oid = i.indrelid
       WHERE c.relnamespace = to_regnamespace('ledger') AND i.indisunique
         AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = c.oid)
      UNION ALL
      SELECT 'function', p.proname,
             md5(concat_ws('|', p.prosecdef, array_to_string(p.proconfig, ','), p.prosrc)), true
        FROM pg_proc p WHERE p.pronamespace = to_regnamespace('ledger')
    )
    SELECT 'guard:' || coalesce(w.name, t.name) AS subject, coalesce(w.kind, t.kind) AS what,
           CASE WHEN w.name IS NULL THEN 0 ELSE 1 END AS expected,
           CASE WHEN w.name IS NULL THEN 1 ELSE 0 END AS found, NULL AS currency
      FROM unnest(CAST(:guard_kinds AS text[]), CAST(:guard_names AS text[]),
                  CAST(:guard_definitions AS text[])) AS w (kind, name, definition)
      FULL JOIN there t ON t.kind = w.kind AND t.name = w.name
     WHERE t.name IS NULL OR w.name IS NULL OR NOT t.is_on
        OR regexp_replace(t.definition, '[[:space:]]+', ' ', 'g') <> w.definition""",
)

# A right on one column is enough to do harm. Ids come from the ledger alone; what triggers keep,
# only triggers write.
RIGHTS = Check(
    "guards_rights",
    """
    SELECT 'guard:' || r.verb || ' on ' || c.relname AS subject, 'right of upss_app' AS what,
           0 AS expected, 1 AS found, NULL AS currency
      FROM pg_class c
     CROSS JOIN LATERAL (VALUES
           ('INSERT', has_any_column_privilege('upss_app', c.oid, 'INSERT')
              AND c.relname NOT IN ('account', 'entry', 'posting', 'seal', 'block', 'block_entry')),
           ('INSERT of id', c.relname IN ('account', 'entry')
              AND has_column_privilege('upss_app', c.oid, CAST(1 AS smallint), 'INSERT')),
           ('UPDATE', has_any_column_privilege('upss_app', c.oid, 'UPDATE')),
           ('REFERENCES', has_any_column_privilege('upss_app', c.oid, 'REFERENCES')),
           ('DELETE', has_table_privilege('upss_app', c.oid, 'DELETE')),
           ('TRUNCATE', has_table_privilege('upss_app', c.oid, 'TRUNCATE')),
           ('TRIGGER', has_table_privilege('upss_app', c.oid, 'TRIGGER')),
           ('OWNER', pg_has_role('upss_app', c.relowner, 'MEMBER'))) AS r (verb, is_there)
     WHERE c.relnamespace = to_regnamespace('ledger') AND c.relkind = 'r' AND r.is_there
    UNION ALL
    SELECT 'guard:EXECUTE on ' || p.proname, 'right of upss_app', 0, 1, NULL
      FROM pg_proc p
     WHERE p.pronamespace = to_regnamespace('ledger')
       AND has_function_privilege('upss_app', p.oid, 'EXECUTE')
    UNION ALL
    SELECT 'guard:UPDATE on ' || c.relname, 'right of upss_app', 0, 1, NULL
      FROM pg_class c
     WHERE c.relnamespace = to_regnamespace('ledger')
       AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('upss_app', c.oid, 'UPDATE') END
    UNION ALL
    SELECT 'guard:' || r.verb, 'right of upss_app', 0, 1, NULL
      FROM (VALUES
           ('CREATE in ledger', has_schema_privilege('upss_app', 'ledger', 'CREATE')),
           ('SET session_replication_role',
            has_parameter_privilege('upss_app', 'session_replication_role', 'SET'))
           ) AS r (verb, is_there)
     WHERE r.is_there""",
)

CHECKS = (TRIGGERS, RIGHTS)
