"""Where a sign-in may lead, what one visitor is, and how names and codes are read."""

from __future__ import annotations

import string
from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upss.accounts.rules.sign_in import digits_of, local_path, name_from, network_of

ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "https://evil.example",
    "https:evil.example",
    "http:/evil.example",
    "\\\\evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    " //evil.example",
    "/ /evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "?next=//evil.example",
    "",
    None,
    "/" + "a" * 300,
    "/a\x00b",
    "/a\x7fb",
    "/ask\r\nSet-Cookie: a=b",
]


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_no_address_leads_elsewhere(wanted):
    assert local_path(wanted) == "/"


@pytest.mark.parametrize(
    "wanted", ["/", "/queue", "/ask/abc?step=2", "/%2f%2fevil.example", "/a//b", "/x#//e"]
)
def test_a_path_of_this_site_is_kept(wanted):
    assert local_path(wanted) == wanted


@given(st.text(alphabet=string.printable + "\u2044\uff0f", max_size=40))
def test_whatever_is_asked_for_stays_on_this_host(wanted):
    # what a browser does first: it drops tabs and line breaks and turns backslashes
    seen = local_path(wanted).translate({9: None, 10: None, 13: None, 92: "/"})
    assert urlsplit(urljoin("https://upss.example.org/sign-in", seen)).netloc == "upss.example.org"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:5678", "198.51.100.7"),
        ("[2001:db8:1:2::1]:5678", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::1]", "2001:db8:1:2::/64"),
    ],
)
def test_one_visitor_is_an_address_or_half_an_ipv6_address(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    "address", ["", "unknown", "_hidden", "for=198.51.100.7", "198.51.100.7:", "999.1.1.1:80", "[]"]
)
def test_visitors_without_a_readable_address_count_as_one(address):
    assert network_of(address) == "unknown"


@given(st.text(alphabet="0123456789abcdef.:[]/%", max_size=30) | st.text())
def test_no_address_of_a_proxy_is_an_error(address):
    assert network_of(address)


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("maria.soler@example.org", "Maria Soler"),
        ("JOSEP@example.org", "Josep"),
        ("_@example.org", "?"),
        ("a" * 64 + "@example.org", "A" + "a" * 63),
    ],
)
def test_a_first_name_comes_from_the_address(email, name):
    assert name_from(email) == name


def test_a_code_may_be_typed_with_spaces_and_dashes():
    assert digits_of(" 1234-56 78\n") == "12345678"
