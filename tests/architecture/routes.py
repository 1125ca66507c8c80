"""Every address of UPSS: who may open it. A new route fails the tests until it stands here."""

from __future__ import annotations

EVERYONE, SIGNED_IN = "everyone", "signed_in"
ANSWERER, ORGANIZER = "answerer", "organizer"
AUDITOR = "auditor"  # who reads the books: organizers and auditors

# Open to everyone, and each shows or changes only what is the visitor's own: 404 for others.
OWN = {
    "GET /ask/<public_id>",
    "POST /ask/<public_id>",
    "POST /ask/<public_id>/autosave",
    "GET /ask/<public_id>/check",
    "POST /ask/<public_id>/check",
    "GET /ask/<public_id>/discard",
    "POST /ask/<public_id>/discard",
    "GET /questions/<public_id>",
    "GET /questions/<public_id>/receipt",
    "POST /questions/<public_id>/pay",
    "POST /questions/<public_id>/edit",
    "GET /questions/<public_id>/withdraw",
    "POST /questions/<public_id>/withdraw",
    "GET /questions/<public_id>/accept",
    "POST /questions/<public_id>/accept",
}

# Mails link to these: who is not signed in is led to the sign-in, whether or not the id exists.
LED_TO_SIGN_IN = {"GET /questions/<public_id>", "GET /questions/<public_id>/receipt"}

ROUTES = dict.fromkeys(sorted(OWN), EVERYONE) | {
    # pages for everyone
    "GET /": EVERYONE,
    "GET /how-money-works": EVERYONE,
    "GET /rights": EVERYONE,
    "GET /accessibility": EVERYONE,
    "GET /books": EVERYONE,
    "GET /books/verify_ledger.py": EVERYONE,
    "GET /books/verify_proof.py": EVERYONE,
    "GET /books/format.txt": EVERYONE,
    "GET /healthz": EVERYONE,
    "POST /stripe/webhook": EVERYONE,
    "GET /ask": EVERYONE,
    "GET /my-questions": EVERYONE,
    # the way back from paying, also in another browser: leads on to the question, shows nothing
    "GET /payments/<public_id>/back": EVERYONE,
    # signing in
    "GET /sign-in": EVERYONE,
    "POST /sign-in": EVERYONE,
    "GET /sign-in/sent": EVERYONE,
    "POST /sign-in/code": EVERYONE,
    "GET /sign-in/link/<token>": EVERYONE,
    "POST /sign-in/link/<token>": EVERYONE,
    "POST /sign-out": EVERYONE,
    "POST /sign-out-everywhere": SIGNED_IN,
    "GET /settings": SIGNED_IN,
    "POST /settings": SIGNED_IN,
    # answering
    "GET /queue": ANSWERER,
    "GET /queue/<public_id>": ANSWERER,
    "POST /queue/<public_id>/claim": ANSWERER,
    "GET /answering/<public_id>": ANSWERER,
    "POST /answering/<public_id>": ANSWERER,
    "POST /answering/<public_id>/autosave": ANSWERER,
    "GET /answering/<public_id>/check": ANSWERER,
    "POST /answering/<public_id>/send": ANSWERER,
    "POST /answering/<public_id>/hand-back": ANSWERER,
    "POST /answering/<public_id>/keep": ANSWERER,
    "GET /hours": ANSWERER,
    "POST /hours/preset": ANSWERER,
    "GET /hours/week": ANSWERER,
    "POST /hours/week": ANSWERER,
    "GET /hours/day": ANSWERER,
    "POST /hours/day": ANSWERER,
    "GET /hours/away": ANSWERER,
    "POST /hours/pause": ANSWERER,
    "POST /hours/back": ANSWERER,
    "POST /hours/absence": ANSWERER,
    "POST /hours/here": ANSWERER,
    "GET /hours/work": ANSWERER,
    "POST /hours/work": ANSWERER,
    "POST /hours/undo": ANSWERER,
    "GET /earnings": ANSWERER,
    "GET /earnings/statements": ANSWERER,
    "GET /earnings/statements/<period>": ANSWERER,
    "GET /earnings/statements/<period>.csv": ANSWERER,
    "GET /earnings/proof.jsonl": ANSWERER,
    "GET /how-you-are-paid": ANSWERER,
    "POST /how-you-are-paid": ANSWERER,
    "GET /how-you-are-paid/back": ANSWERER,
    # organizing
    "GET /organizer": AUDITOR,
    "GET /organizer/payouts": AUDITOR,
    "GET /organizer/payouts.csv": AUDITOR,
    "GET /organizer/payouts/runs": AUDITOR,
    "POST /organizer/payouts/runs": ORGANIZER,
    "GET /organizer/payouts/runs/<public_id>": AUDITOR,
    "POST /organizer/payouts/runs/<public_id>": ORGANIZER,
    "GET /organizer/payouts/items/<public_id>": AUDITOR,
    "GET /organizer/questions": AUDITOR,
    "GET /organizer/questions/<key>": AUDITOR,
    "GET /organizer/trial-balance": AUDITOR,
    "GET /organizer/entries/<key>": AUDITOR,
    "GET /organizer/books": AUDITOR,
    "GET /organizer/books/accounts": AUDITOR,
    "GET /organizer/books/accounts/<key>": AUDITOR,
    "GET /organizer/books/accounts/<key>/entries.csv": AUDITOR,
    "GET /organizer/books/blocks": AUDITOR,
    "GET /organizer/books/export/<key>": AUDITOR,
    "GET /organizer/books/journal": AUDITOR,
    "GET /organizer/books/journal.csv": AUDITOR,
    "GET /organizer/books/open-items": AUDITOR,
    "GET /organizer/books/over-time": AUDITOR,
    "GET /organizer/books/waiting": AUDITOR,
    "GET /organizer/statements": AUDITOR,
    "GET /organizer/statements/<public_id>": AUDITOR,
    "GET /organizer/statements/<public_id>/<period>": AUDITOR,
    "GET /organizer/statements/<public_id>/<period>.csv": AUDITOR,
    "GET /organizer/adjustments": AUDITOR,
    "GET /organizer/adjustments/new": ORGANIZER,
    "POST /organizer/adjustments/new": ORGANIZER,
    "GET /organizer/adjustments/<public_id>": AUDITOR,
    "POST /organizer/adjustments/<public_id>": ORGANIZER,
    "GET /organizer/adjustments/<public_id>/reverse": ORGANIZER,
    "POST /organizer/adjustments/<public_id>/reverse": ORGANIZER,
    "GET /organizer/jobs": AUDITOR,
    "GET /organizer/self-checks": AUDITOR,
    "POST /organizer/self-checks": ORGANIZER,
    "POST /organizer/jobs/<int:job_id>": ORGANIZER,
    "POST /organizer/refunds/<int:refund_id>": ORGANIZER,
}

# In the demo alone.
DEMO = {
    "GET /demo/": EVERYONE,
    "GET /demo/be/<public_id>": EVERYONE,
    "GET /demo/clock": EVERYONE,
    "POST /demo/clock": EVERYONE,
    "GET /demo/mail": EVERYONE,
    "GET /demo/mail/<key>": EVERYONE,
    "GET /demo/mail/<key>/html": EVERYONE,
}

NO_TOKEN_NEEDED = {"POST /stripe/webhook"}  # signed instead
