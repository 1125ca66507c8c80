"""Which lines each event writes: one pure function per event, the whole bookkeeping in one place.

Debit is above zero, credit below. Keys name the cause, so that a cause is booked once, and every
line names its question where there is one, so that each question's trail can be read.
"""
