"""The contract comes from the installed client, and lets nothing pass that the client does not know."""

from __future__ import annotations

import copy

import pytest
import stripe

from upss.standin.contract import load_contract
from upss.standin.forms import coerce, decode_fields
from upss.standin.operations import HANDLERS
from upss.standin.problems import Problem

CONTRACT = load_contract()
OPERATIONS = {(each.verb, each.path): each for each in CONTRACT.operations}
CREATE = OPERATIONS["POST", "/v1/checkout/sessions"]
SESSION = CONTRACT.fill(
    CONTRACT.definition("checkout._session.Session"),
    {"id": "cs_1", "expires_at": 1, "total_details": {"amount_tax": 0}},
)


def test_it_is_the_installed_clients_version():
    assert CONTRACT.client_version == stripe.VERSION
    assert CONTRACT.api_version == stripe.api_version


def test_every_built_operation_is_in_the_contract():
    assert HANDLERS.keys() <= OPERATIONS.keys()


def test_a_filled_object_is_valid():
    CONTRACT.check_response(CREATE, SESSION)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "finished"),
        ("amount_total", "1200"),
        ("livemode", 0),
        ("invented", None),
        ("total_details", {"amount_tax": 0}),
        ("payment_intent", {"id": "pi_1"}),
    ],
)
def test_a_mutated_answer_is_refused(name, value):
    with pytest.raises(Problem) as caught:
        CONTRACT.check_response(CREATE, copy.deepcopy(SESSION) | {name: value})
    assert caught.value.code == "standin_contract"


def test_an_answer_without_a_required_field_is_refused():
    with pytest.raises(Problem):
        CONTRACT.check_response(
            CREATE, {name: value for name, value in SESSION.items() if name != "expires_at"}
        )


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"mode": "donation"}, "parameter_invalid", "mode"),
        ({"expires_at": "soon"}, "parameter_invalid", "expires_at"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"line_items": [{"qty": 1}]}, "parameter_unknown", "line_items[0][qty]"),
        ({"allowed_payment_method_types": ["cash"]}, "parameter_invalid", None),
        (
            {"line_items": [{"price_data": {"unit_amount": 5}}]},
            "parameter_missing",
            "line_items[0][price_data][currency]",
        ),
    ],
)
def test_a_bad_parameter_is_refused_by_name(params, code, param):
    with pytest.raises(Problem) as caught:
        CONTRACT.check_request(CREATE, params)
    assert caught.value.status == 400
    assert caught.value.code == code
    if param:
        assert caught.value.param == param


def test_fields_become_nested_and_typed():
    fields = [
        ("line_items[0][price_data][unit_amount]", "1200"),
        ("line_items[0][price_data][currency]", "eur"),
        ("adaptive_pricing[enabled]", "false"),
        ("metadata[upss_id]", "42"),
        ("expand[]", "payment_intent"),
    ]
    assert coerce(decode_fields(fields), CREATE.request, CONTRACT) == {
        "line_items": [{"price_data": {"unit_amount": 1200, "currency": "eur"}}],
        "adaptive_pricing": {"enabled": False},
        "metadata": {"upss_id": "42"},
        "expand": ["payment_intent"],
    }


@pytest.mark.parametrize(
    "fields",
    [[("a", "1"), ("a[b]", "2")], [("a" + "[b]" * 50, "1")]],
    ids=["value and group", "too deep"],
)
def test_a_hostile_form_is_refused(fields):
    with pytest.raises(Problem):
        decode_fields(fields)
