"""Sends RTP and RTCP back as libsrtp reads and writes them: unprotected with one key, protected again with another.

Arguments: port, crypto suite, key that it receives with, key that it sends with (as in a=crypto: key and salt in base64).
What libsrtp refuses is written to standard output and not sent back.
"""

import base64
import socket
import sys

from pylibsrtp import Error, Policy, Session

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}


def session(key, ssrc_type, suite):
    return Session(Policy(key=base64.b64decode(key), ssrc_type=ssrc_type, srtp_profile=PROFILES[suite]))


def is_rtcp(packet):
    """RFC 5761 4."""
    return 192 <= packet[1] <= 223


port, suite, receive_key, send_key = sys.argv[1:]
inbound = session(receive_key, Policy.SSRC_ANY_INBOUND, suite)
outbound = session(send_key, Policy.SSRC_ANY_OUTBOUND, suite)
peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
peer.bind(("127.0.0.1", int(port)))
while True:
    packet, address = peer.recvfrom(65536)
    try:
        if is_rtcp(packet):
            answer = outbound.protect_rtcp(inbound.unprotect_rtcp(packet))
        else:
            answer = outbound.protect(inbound.unprotect(packet))
    except Error as error:
        print(f"refused: {error}", flush=True)
    else:
        peer.sendto(answer, address)
