"""A kill loses nothing that was answered: the stand-in runs as a process, and dies in the middle."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from upss.kernel.ids import new_public_id
from upss.payments.stripe_gateway import StripeGateway

PROGRAM = textwrap.dedent(
    """
    import pathlib, sys
    from upss.kernel.clock import SystemClock
    from upss.standin import Running, create_app
    app = create_app(
        SystemClock(), webhook_url=sys.argv[2], webhook_secret="whsec_standin",
        state_file=pathlib.Path(sys.argv[1]), retry_seconds=(0.1,) * 50,
    )
    with Running(app) as running:
        print(running.url, flush=True)
        sys.stdin.read()
    """
)
ROOT = Path(__file__).parents[2]


def launch(state_file: Path, webhook_url: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(state_file), webhook_url],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    return process, process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_a_killed_stand_in_remembers_all_and_delivers_the_rest(start, tmp_path, receiver, wait_for):
    bench = start()  # for its clock and forms; the calls go to the process
    receiver.statuses += [500] * 3
    state_file = tmp_path / "standin.sqlite"
    process, url = launch(state_file, receiver.url)
    bench.gateway = StripeGateway(
        api_key="sk_test_standin", webhook_secret="whsec_standin", api_base=url
    )
    try:
        payment = bench.paid()
        key = new_public_id()
        refund = bench.refund(payment, 100, key=key)
    finally:
        kill(process)
    process, url = launch(state_file, receiver.url)
    bench.gateway = StripeGateway(
        api_key="sk_test_standin", webhook_secret="whsec_standin", api_base=url
    )
    try:
        after = bench.gateway.read_checkout(payment.id)
        assert (after.status, after.balance_transaction) == (
            "complete",
            payment.balance_transaction,
        )
        assert bench.refund(payment, 100, key=key) == refund
        assert bench.available() == 1157 - 100
        wait_for(
            lambda: {"v1.checkout.session.completed", "v1.refund.created"} <= set(receiver.types())
        )
    finally:
        kill(process)
