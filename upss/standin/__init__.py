"""A stateful local Stripe that the real `stripe` client talks to: no real money, this machine alone.

Shapes are Stripe's, derived from the installed client; behaviour (fees, error texts, delays, what
the account review asks) is our own and proves nothing about Stripe.
"""

from upss.standin.app import create_app
from upss.standin.server import Running, serve

__all__ = ["Running", "create_app", "serve"]
