"""The web app's address for the phones of the audience, and its QR code."""

import socket

import psutil

from demo_app.settings import ALL_ADDRESSES, Settings
from demo_app.shared.guard import LOOPBACK_NAMES


def host_for_phones() -> str:
    """Return this machine's address in its network; "" if the web app listens on loopback only."""
    host = Settings().web_host
    if host not in ALL_ADDRESSES:
        return "" if host in LOOPBACK_NAMES else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the address is an example (RFC 5737)
        except OSError:  # a network without a gateway, such as a hotspot
            return _first_of_a_network()
        return str(probe.getsockname()[0])


def _first_of_a_network() -> str:
    addresses = (one for ones in psutil.net_if_addrs().values() for one in ones)
    found = (str(one.address) for one in addresses if one.family == socket.AF_INET)
    return next((address for address in found if not address.startswith("127.")), "")


def address_for_phones(port: int | None) -> str:
    """Return the address of the page for phones; "" if they cannot reach the web app's port."""
    host = host_for_phones()
    return f"http://{host}:{port}/room" if host else ""


def qr_code(address: str) -> str:
    import segno  # slow to import, and rarely needed

    code, names = segno.make(address, micro=False), {"svgclass": None, "lineclass": None}
    return str(code.svg_inline(border=2, omitsize=True, light="white", **names))
