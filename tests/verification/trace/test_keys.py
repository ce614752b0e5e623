"""Keys and signatures: only the one canonical form of an honest signature is taken, and OpenSSH agrees about it."""

import base64
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from verification.trace import keys
from verification.trace.keys import ForgedError, Form, MalformedError, PublicKey, public_of, sign, verify

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = public_of(PRIVATE)
MESSAGE = b"what was read"
PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

needs_ssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed; the format is tested without it too"
)


def changed(signature, place, value):
    blob = bytearray(base64.b64decode(signature))
    blob[place] = value
    return base64.b64encode(bytes(blob)).decode()


@given(st.binary(max_size=200), st.sampled_from(Form))
def test_what_is_signed_verifies_and_nothing_else_does(message, form):
    signature = sign(PRIVATE, message, form)
    verify(PUBLIC, message, form, signature)
    with pytest.raises(ForgedError, match="not that of this key"):
        verify(PUBLIC, message + b".", form, signature)


@given(st.integers(0, 63), st.integers(1, 255))
def test_no_changed_byte_of_a_signature_is_taken(place, flip):
    blob = base64.b64decode(sign(PRIVATE, MESSAGE))
    with pytest.raises((ForgedError, MalformedError), match=r"not that of this key|canonical|small order|not reduced"):
        verify(PUBLIC, MESSAGE, Form.PLAIN, changed(base64.b64encode(blob).decode(), place, blob[place] ^ flip))


def test_the_two_forms_are_not_taken_for_each_other():
    with pytest.raises(MalformedError, match="no SSHSIG"):
        verify(PUBLIC, MESSAGE, Form.SSH, sign(PRIVATE, MESSAGE, Form.PLAIN))
    with pytest.raises(MalformedError, match="bytes instead of 64"):
        verify(PUBLIC, MESSAGE, Form.PLAIN, sign(PRIVATE, MESSAGE, Form.SSH))


def test_a_signature_without_the_projects_domain_is_not_taken():
    with pytest.raises(ForgedError, match="not that of this key"):
        verify(PUBLIC, MESSAGE, Form.PLAIN, base64.b64encode(PRIVATE.sign(MESSAGE)).decode())


def test_a_signature_with_a_scalar_that_is_not_reduced_is_not_taken():
    """The same signature with the group's order added to its scalar would verify where this is not looked at (RFC 8032 5.1.7)."""
    blob = base64.b64decode(sign(PRIVATE, MESSAGE))
    scalar = int.from_bytes(blob[32:], "little") + ORDER
    with pytest.raises(MalformedError, match="not reduced"):
        verify(PUBLIC, MESSAGE, Form.PLAIN, base64.b64encode(blob[:32] + scalar.to_bytes(32, "little")).decode())


SMALL = [
    0,
    1,
    PRIME - 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
]


@pytest.mark.parametrize("y", SMALL)
@pytest.mark.parametrize("sign_bit", [0, 1])
def test_points_of_small_order_are_not_taken(y, sign_bit):
    raw = (y | sign_bit << 255).to_bytes(32, "little")
    with pytest.raises(MalformedError, match="small order"):
        PublicKey(raw)
    with pytest.raises(MalformedError, match="small order"):
        verify(PUBLIC, MESSAGE, Form.PLAIN, base64.b64encode(raw + bytes(32)).decode())


@pytest.mark.parametrize("y", range(PRIME, 2**255))
def test_points_that_are_not_canonical_are_not_taken(y):
    with pytest.raises(MalformedError, match="not in its canonical form"):
        PublicKey(y.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        ("", "0 bytes instead of 64"),
        ("%%%", "not base64"),
        (base64.b64encode(bytes(63)).decode(), "63 bytes instead of 64"),
        (sign(PRIVATE, MESSAGE) + "\n", "base64"),
        (sign(PRIVATE, MESSAGE).rstrip("="), "base64"),
    ],
)
def test_what_is_no_signature_is_named(signature, reason):
    with pytest.raises(MalformedError, match=reason):
        verify(PUBLIC, MESSAGE, Form.PLAIN, signature)


def ssh_signature(*, namespace=keys.NAMESPACE, reserved=b"", hash_name=b"sha512", kind=b"ssh-ed25519", public=None, tail=b""):
    signed = keys._string(kind) + keys._string(PRIVATE.sign(keys._ssh_message(b"sha512", MESSAGE)))
    parts = (public or PUBLIC.blob, namespace, reserved, hash_name, signed)
    return base64.b64encode(b"SSHSIG\x00\x00\x00\x01" + b"".join(map(keys._string, parts)) + tail).decode()


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"namespace": b"git"}, "made for something else"),
        ({"reserved": b"x"}, "reserved bytes"),
        ({"hash_name": b"md5"}, "the hash"),
        ({"kind": b"ssh-rsa"}, "of the type"),
        ({"tail": b"x"}, "further bytes"),
        ({"public": public_of(Ed25519PrivateKey.from_private_bytes(bytes(32))).blob}, "another key"),
    ],
)
def test_an_ssh_signature_with_another_part_is_not_taken(parts, reason):
    verify(PUBLIC, MESSAGE, Form.SSH, ssh_signature())
    with pytest.raises((MalformedError, ForgedError), match=reason):
        verify(PUBLIC, MESSAGE, Form.SSH, ssh_signature(**parts))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ssh-rsa AAAA", "not a line of the form"),
        ("ssh-ed25519", "not a line of the form"),
        ("ssh-ed25519 AAAA", "shorter than it says"),
        (f"ssh-ed25519 {base64.b64encode(PUBLIC.blob + b'x').decode()}", "further bytes"),
        (f"ssh-ed25519 {base64.b64encode(keys._string(b'ssh-ed25519') + keys._string(bytes(31))).decode()}", "31 bytes"),
        (f"ssh-ed25519 {base64.b64encode(keys._string(b'ssh-rsa') + keys._string(bytes(32))).decode()}", "of the type"),
    ],
)
def test_what_is_no_public_key_is_named(line, reason):
    with pytest.raises(MalformedError, match=reason):
        PublicKey.from_line(line)


def test_a_public_key_survives_its_line():
    assert PublicKey.from_line(f"{PUBLIC.line} someone@somewhere") == PUBLIC


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    return path


@needs_ssh
def test_ssh_keygen_prints_the_same_fingerprint(key_file, tmp_path):
    (tmp_path / "key.pub").write_text(PUBLIC.line + "\n")
    said = subprocess.run(["ssh-keygen", "-lf", str(tmp_path / "key.pub")], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == PUBLIC.id


@needs_ssh
def test_what_ssh_keygen_signs_is_taken(key_file, tmp_path):
    (tmp_path / "message").write_bytes(MESSAGE)
    subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "thoratrace", "-f", str(key_file), str(tmp_path / "message")],
        check=True,
        capture_output=True,
    )
    verify(PUBLIC, MESSAGE, Form.SSH, keys.from_armour((tmp_path / "message.sig").read_text()))


@needs_ssh
def test_ssh_keygen_takes_what_is_signed_here(tmp_path):
    blob = sign(PRIVATE, MESSAGE, Form.SSH)
    lines = [blob[start : start + 70] for start in range(0, len(blob), 70)]
    (tmp_path / "sig").write_text("\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""]))
    (tmp_path / "signers").write_text(f"DEMO-quality {PUBLIC.line}\n")
    command = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(tmp_path / "signers"),
        "-I",
        "DEMO-quality",
        "-n",
        "thoratrace",
        "-s",
        str(tmp_path / "sig"),
    ]
    done = subprocess.run(command, input=MESSAGE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_no_armour_is_named():
    with pytest.raises(MalformedError, match="BEGIN and END"):
        keys.from_armour("nothing")
