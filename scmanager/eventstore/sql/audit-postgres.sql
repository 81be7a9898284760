-- What an audit of the event store in PostgreSQL compares, beside the rows. Named pieces; see named_sql.py.

-- Every object of the schema with the words that make it. A rule or a policy could show other rows than there are.
-- name: objects
SELECT 'table', c.relname::text, ''::text, c.relkind::text || ' ' || c.relpersistence::text
    || CASE WHEN c.relrowsecurity OR c.relforcerowsecurity THEN ' row security' ELSE '' END || ' '
    || coalesce((SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''), ', ' ORDER BY a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), '')
FROM pg_class c
WHERE c.relnamespace = 'scm_events'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
UNION ALL
SELECT 'index', c.relname::text, t.relname::text,
    pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relnamespace = 'scm_events'::regnamespace AND t.relkind <> 't'
UNION ALL
SELECT 'constraint', n.conname::text, c.relname::text,
    pg_get_constraintdef(n.oid) || CASE WHEN n.convalidated THEN '' ELSE ' not valid' END
FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
WHERE c.relnamespace = 'scm_events'::regnamespace AND n.contype IN ('p', 'u', 'f', 'c', 'x')
UNION ALL
SELECT 'trigger', g.tgname::text, c.relname::text, pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = 'scm_events'::regnamespace AND NOT g.tgisinternal
UNION ALL
SELECT 'function', p.proname::text, ''::text, l.lanname || ' ' || pg_get_function_identity_arguments(p.oid) || ' '
    || CASE WHEN p.prosecdef THEN 'definer ' ELSE '' END || p.prosrc
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE p.pronamespace = 'scm_events'::regnamespace
UNION ALL
SELECT 'rule', r.rulename::text, c.relname::text, pg_get_ruledef(r.oid)
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
WHERE c.relnamespace = 'scm_events'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL
SELECT 'policy', y.polname::text, c.relname::text, ''::text
FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid WHERE c.relnamespace = 'scm_events'::regnamespace
ORDER BY 1, 3, 2;
