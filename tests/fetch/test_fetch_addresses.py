"""No spelling and no name leads `fetch` to this machine or its network: nobody there is dialled."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from nbagents._loop import background
from nbagents.exceptions import FetchError, FetchRefusedError
from nbagents.fetch import Fetched, fetch
from nbagents.fetch._public import is_public

PRIVATE = """
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254
    168.63.129.16 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1
    198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1
    ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1
    64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:0:7f00:1::1 2001:db8::1
    2002:7f00:1::1 2002:a00:1:: 2002:c0a8:101::1 3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1
    fec0::1 ff02::1
"""
PUBLIC = """
    1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 172.32.0.1 192.169.0.1 223.255.255.254
    2606:4700:4700::1111 2a00:1450:4001::1 64:ff9b::1.1.1.1 2002:101:101::1 ::ffff:8.8.8.8
"""
WRITTEN = """
    http://127.1/ http://127.0.1/ http://0/ http://0.0/ http://2130706433/ http://4294967295/
    http://0x7f000001/ http://0x7f.0.0.1/ http://0x7f.1/ http://0X7F.0X0.0X0.0X1/ http://0x/
    http://127.0x1/ http://0177.0.0.1/ http://0177.1/ http://017700000001/ http://00000127.0.0.1/
    http://127.000.000.001/ http://127.0.0.1./ http://127.0.0.01/ http://127.0.0.256/
    http://256.256.256.256/ http://1.2.3.4.5/ http://169.254.43518/ http://0xa9fea9fe/
    http://0251.0376.0251.0376/ http://2852039166/ http://①②⑦.⓪.⓪.①/ http://127。0。0。1/ http://１２７.0.0.1/
    http://127.0.0.1%00/ http://%31%32%37.0.0.1/ http://127.0.0.1%2e/ http://[127.0.0.1]/
    http://[::ffff:127.0.0.1]:80/ http://[0:0:0:0:0:ffff:7f00:1]/ http://[::1%25lo]/
    http://[fe80::1%25eth0]/ http://[::]:443/ http://[::1/ http://::1/ http://localhost/
    http://localhost./ http://LOCALHOST/ http://localhost:65535/ http://inside.example/
    http://INSIDE.example/ http://inside.example./ http://metadata.google.internal/
    http://mixed.example/ http://six.example/ http://mapped.example/ http://scoped.example/
    http://user@inside.example/ http://example.org@127.0.0.1/ http://127.0.0.1@public.example/
    http://127.0.0.1:80@public.example/ http://public.example\\@127.0.0.1/
    http://127.0.0.1\\@public.example/ http://127.0.0.1\\.public.example/ http://public.example:22/
    http://public.example:25/ http://public.example:0/ http://public.example:6379x/
    http://public.example:6667/ https://public.example:1/ http:///etc/passwd http:127.0.0.1
    http:/127.0.0.1/ //127.0.0.1/ 127.0.0.1 localhost:80/ file:///etc/passwd file://localhost/etc/passwd
    ftp://127.0.0.1/ gopher://127.0.0.1:70/_x unix:///run/docker.sock http+unix://%2Frun%2Fdocker.sock/
    data:text/plain,hi dict://127.0.0.1:11211/ ldap://127.0.0.1/ jar:http://127.0.0.1!/
    javascript:alert(1) ws://127.0.0.1/ about:blank
"""
ODD = [
    "", " ", "http://", "http://127.0.0.1\r\nHost: public.example/", "http://public.example/\r\nX: y",
    "http:// 127.0.0.1/", " http://127.0.0.1/", "http://127.0.0.1\t/", "http://127.0.0.1#@public.example/",
    "http://127.0.0.1?@public.example/", "http://public.example/" + "a" * 9000,
    "http://" + "a" * 70 + ".example/",
    "http://\ud800.example/", "http://public.example/\ud800", None, 7, b"http://127.0.0.1/",
]  # fmt: skip
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "inside.example": ["10.1.2.3"],
    "inside.example.": ["10.1.2.3"],
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.example": ["93.184.216.34", "192.168.0.1"],
    "six.example": ["fd00::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "scoped.example": ["fe80::1%eth0"],
    "public.example": ["93.184.216.34"],
}


def got(url: str, **options) -> Fetched:
    return background().run(fetch(url, **options), timeout=30)


@pytest.fixture(autouse=True)
def _known(names) -> None:
    names.answers = {name: [addresses] for name, addresses in NAMES.items()}


def test_what_is_public_is_told_from_what_is_not():
    assert [one for one in PRIVATE.split() if is_public(ip_address(one))] == []
    assert [one for one in PUBLIC.split() if not is_public(ip_address(one))] == []


def test_no_private_address_is_dialled(connects):
    urls = [f"http://[{one}]:8080/" if ":" in one else f"https://{one}/" for one in PRIVATE.split()]
    for url in urls:
        with pytest.raises(FetchRefusedError, match="private network"):
            got(url)
    assert connects == []


@pytest.mark.parametrize("urls", [WRITTEN.split(), ODD], ids=["written", "odd"])
def test_no_spelling_leads_inside(connects, names, urls):
    assert len(WRITTEN.split()) > 60
    for url in urls:
        with pytest.raises(FetchError) as caught:
            got(url)
        told = str(caught.value)
        assert not any(inner in told for inner in ("10.1.2.3", "169.254.169.254", "fd00::1")), told
    assert [one for one in connects if not is_public(ip_address(one))] == []
    assert connects == []
    assert {name.rstrip(".").lower() for name in names.asked} <= {
        *(name.rstrip(".") for name in NAMES), "a" * 70 + ".example", "localhos%74",
    }  # fmt: skip


def test_a_name_that_changes_is_asked_once_and_dialled_as_it_was_looked_at(connects, names):
    names.answers["rebind.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    with pytest.raises(FetchError, match="nobody answers there"):
        got("http://rebind.example:8080/")
    assert names.asked == ["rebind.example"]
    assert connects == ["93.184.216.34"], "the address that was looked at"
    with pytest.raises(FetchRefusedError):
        got("http://rebind.example:8080/")
    assert connects == ["93.184.216.34"], "its next answer leads inside, and is not followed"


def test_a_name_of_many_addresses_is_tried_at_some(connects, names):
    names.answers["many.example"] = [["1.1.1.1", "2606:4700::1", "8.8.8.8", "8.8.4.4", "1.0.0.1"]]
    with pytest.raises(FetchError, match="nobody answers"):
        got("https://many.example/")
    assert connects == ["1.1.1.1", "2606:4700::1", "8.8.8.8"]


def test_who_is_not_there_is_said_not_to_be(connects):
    with pytest.raises(FetchError, match=r"gone\.example cannot be fetched: there is no such host"):
        got("http://gone.example/")
    assert connects == []


def test_what_is_allowed_is_that_host_at_that_port_alone(site, connects, names):
    port = int(site.host.partition(":")[2])
    names.answers["site.example"] = [["127.0.0.1"]]
    assert got(f"http://site.example:{port}/page", allow=[f"site.example:{port}"]).status == 200
    for url, allow in [
        (f"http://site.example:{port}/page", ["127.0.0.1"]),
        (f"http://site.example:{port}/page", [f"site.example:{port + 1}"]),
        (f"http://127.0.0.1:{port}/page", ["site.example"]),
        (f"http://other.site.example:{port}/page", ["site.example"]),
    ]:
        with pytest.raises(FetchError):
            got(url, allow=allow)
    assert connects == ["127.0.0.1"]
