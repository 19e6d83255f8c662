"""The image of a configuration serves like the configuration itself."""

import packets
from packets import BASIC, Office, option
from twinlease import conf
from twinlease.conf import image, image_writer

RICH = (
    BASIC
    + """
class "phones" { match if substring(option vendor-class-identifier, 0, 5) = "PHONE"; option tftp-server-name "tftp"; }
class "lab" { match hardware; }
subclass "lab" 1:02:00:00:00:00:07 { option domain-name "seven"; }
option space ACME; option ACME.server code 1 = ip-address;
host till { hardware ethernet 02:00:00:00:00:09; fixed-address 10.77.0.9; }
subnet 10.99.0.0 netmask 255.255.255.0 {
  pool { allow members of "phones"; range 10.99.0.10 10.99.0.19; }
  vendor-option-space ACME; option ACME.server 10.0.0.9;
  if option vendor-class-identifier = "PHONE" { filename "phone"; } else { filename "other"; }
  option host-name = concat("h-", binary-to-ascii(16, 8, "", suffix(hardware, 2)));
}
"""
)


class FromImage(Office):
    """An office whose configuration went through an image."""

    def __init__(self, text):
        load = conf.load
        octets = b"".join(image_writer.dump(load(text), [("dhcpd.conf", b"12345678")]))
        assert image.is_whole(octets) and image.sources(octets) == [("dhcpd.conf", b"12345678")]
        packets.conf = _Loader(image.load(octets))
        try:
            super().__init__(text)
        finally:
            packets.conf = conf


class _Loader:
    def __init__(self, config):
        self._config = config

    def load(self, text):
        return self._config


def conversation(office):
    """Replies of all kinds, as octets."""
    phone = option(60, b"PHONE")
    out = [office.lease(n) for n in (1, 7, 9)]
    out.append(office.lease(2, phone + option(55, b"\x42\x2b\x0c"), giaddr="10.99.0.1"))
    out.append(office.lease(3, giaddr="10.99.0.1"))
    out.append(office.reboot("10.88.0.10", 1))
    return [reply.octets if reply else None for reply in out]


def test_an_office_from_an_image_says_the_same():
    expected = conversation(Office(RICH))
    assert conversation(FromImage(RICH)) == expected
    assert expected[3] and b"PHONE" not in expected[3] and b"phone" in expected[3] and b"tftp" in expected[3]


def test_something_else_is_no_image():
    for octets in (b"", b"TLI", b"TLI\1xxxx", b"TLI\3" + b"x" * 40, b"\xff" * 40):
        assert not image.is_whole(octets)
