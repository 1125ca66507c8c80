"""Loads any number of waiting questions, the people who may answer them, and the narrow table.

The server makes the rows by itself. Question n is in topic n modulo their number, and so is
person n: who has the number of a question, or one that is whole rounds of topics away, serves it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from bench import bulk
from bench.server import Server

# A Sunday morning: nothing has to wait for a quieter hour.
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ZONE = "Europe/Madrid"
TOPICS = 5
LANGUAGES = ("en", "es", "ca")
# Who asked all of it; everybody below is an answerer.
ASKER = 1_000_000

PEOPLE = """
INSERT INTO account (id, public_id, email, name, language, created_at, confirmed_at)
  OVERRIDING SYSTEM VALUE
  SELECT n, 'person' || lpad(n::text, 10, '0'), n || '@example.org', 'Person ' || n, 'en',
    '2026-01-01Z'::timestamptz, '2026-01-01Z'::timestamptz FROM generate_series(1, {people}) n
  UNION ALL SELECT {asker}, 'theonewhoaskedit', 'asker@example.org', 'Asker', 'en',
    '2026-01-01Z'::timestamptz, '2026-01-01Z'::timestamptz;
INSERT INTO account_role SELECT n, 'answerer', '2026-01-01Z'::timestamptz FROM generate_series(1, {people}) n;
INSERT INTO topic_approval SELECT n, code, '2026-01-01Z'::timestamptz FROM generate_series(1, {people}) n
  JOIN topic ON position - 1 IN (n % {topics}, (n + 1) % {topics});
INSERT INTO hours_version (account_id, created_at, zone, windows, quiet_start_min, quiet_end_min,
    absences, rest_days, daily_minutes, languages, topics_off)
  SELECT n, '2026-01-01Z'::timestamptz, '{zone}', (SELECT jsonb_agg(jsonb_build_array(
      day, (n * 37 + day * 11) % 1200, 240)) FROM generate_series(0, 6) day),
    1320, 480, '[]', '{{}}', 120, '{{en,es,ca}}', '{{}}' FROM generate_series(1, {people}) n;
"""

QUESTIONS = """
INSERT INTO question (id, public_id, asker_id, status, language, topic, size, title, body, email,
    created_at, updated_at, price_minor, currency, commission_bp, fund_bp, offered_at, promise_at,
    honour_until, paid_at, released_at, urgent_at) OVERRIDING SYSTEM VALUE
  SELECT n, 'question' || lpad(n::text, 8, '0'), {asker}, 'queued',
    ('{{en,es,ca}}'::text[])[1 + n % 3], codes[1 + n % {topics}], 'small',
    'Can I return the fridge number ' || n || '?', '{body}', 'asker@example.org',
    paid, paid, 1000, 'EUR', 1500, 300, paid, '{now}'::timestamptz + interval '2 days',
    '{now}'::timestamptz + interval '46 hours', paid, paid, '{now}'::timestamptz + interval '1 day'
  FROM generate_series({first}::bigint, {last}) n,
    (SELECT array_agg(code::text ORDER BY position) AS codes FROM topic) t,
    LATERAL (SELECT '{now}'::timestamptz - interval '3 days' + n * interval '1 ms' AS paid) p;
"""
BODY = "It has a dent in the door and does not close well. The shop says that it left whole. " * 2

# What was claimed once and left alone: a site in use has a history, and plans are made for it.
CLAIMS = """
INSERT INTO claim (question_id, answerer_id, status, claimed_at, last_saved, ends_at, ended_at)
  SELECT 1 + n % {waiting}, 1 + n % {people}, 'lapsed', ago, ago, ago, ago
  FROM generate_series(1, 5 * {people}::bigint) n, (SELECT '{now}'::timestamptz - interval '30 days' AS ago) t;
"""

NARROW = """
CREATE TABLE narrow (question_id bigint PRIMARY KEY, due_at timestamptz NOT NULL,
  topic smallint NOT NULL, claimed_by bigint) WITH (fillfactor = 80);
GRANT SELECT, UPDATE ON narrow TO upss_app;
"""
NARROW_INDEX = "CREATE INDEX ON narrow (topic, due_at) WHERE claimed_by IS NULL"
NARROW_ROWS = """
INSERT INTO narrow SELECT n, '{now}'::timestamptz + n * interval '1 ms', n % {topics}
  FROM generate_series({first}::bigint, {last}) n;
"""


@dataclass
class Site:
    """One database; questions and narrow rows from those numbers on still wait."""

    server: Server
    database: str
    waiting: int
    people: int
    next_question: int = 1
    next_narrow: int = 1

    @property
    def url(self) -> str:
        """The address of the product's own processes."""
        return self.server.app_url(self.database)

    def count(self, sql: str) -> int:
        """Return the one number that a statement tells."""
        with psycopg.connect(self.server.admin(self.database)) as admin:
            row = admin.execute(sql.encode()).fetchone()
        assert row is not None
        return int(row[0])

    def took_questions(self, number: int) -> None:
        """Let as many new questions wait as were taken from the front."""
        last = self.next_question + self.waiting - 1
        self.next_question += number
        self._run(QUESTIONS, first=last + 1, last=last + number)

    def took_narrow(self, number: int) -> None:
        """Let as many new narrow rows wait as were taken."""
        last = self.next_narrow + self.waiting - 1
        self.next_narrow += number
        self._run(NARROW_ROWS, first=last + 1, last=last + number)

    def _run(self, sql: str, **values: int) -> None:
        with bulk.quiet(self.server.admin(self.database)) as connection:
            connection.execute(_filled(sql, **values))


def load(server: Server, *, waiting: int, people: int) -> Site:
    """Make a database in which so many questions wait, and as many narrow rows.

    `people` is a multiple of the number of topics.
    """
    site = Site(server, f"waiting_{waiting}_{people}", waiting, people)
    server.make(site.database)
    with bulk.quiet(server.admin(site.database)) as connection:
        connection.execute(_filled(PEOPLE, people=people))
        connection.execute(NARROW)
        connection.execute(_filled(NARROW_ROWS, first=1, last=waiting))
        connection.execute(NARROW_INDEX)
        with bulk.without_indexes(connection, ["question"]):
            connection.execute(_filled(QUESTIONS, first=1, last=waiting))
        connection.execute(_filled(CLAIMS, waiting=waiting, people=people))
    bulk.analyse(server.admin(site.database))
    return site


def _filled(sql: str, **values: int) -> bytes:
    """Return the statements with numbers and instants of ours; as bytes, since they are put together."""
    return sql.format(
        **values, now=NOW.isoformat(), zone=ZONE, asker=ASKER, topics=TOPICS, body=BODY
    ).encode()
