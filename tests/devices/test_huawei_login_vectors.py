"""Ciphers and logins of Huawei and Honor bands: bytes that others recorded, assert or computed, against the codec.

The rows are those of `support.huawei_rows`; whole conversations are in `test_huawei_sim.py`.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hipsync.errors import MalformedPacket, UnexpectedReply
from hipsync_devices.huawei import ciphers, hichain, packets, proofs, tlv
from hipsync_devices.huawei.ciphers import Cipher, Vectors
from hipsync_devices.huawei.frames import Message, frames
from hipsync_devices.huawei.hichain import Answered, Begun
from hipsync_devices.huawei.packets import Bonded, LinkParameters
from hipsync_devices.huawei.tlv import Fields
from support.huawei_rows import cipher, message, nonces, parts, plain, says

# ------------------------------------------------------------------ ciphers

SEALED = (
    "gb-battery-request-cbc", "gb-battery-request-gcm", "gb-product-request-cbc", "gb-product-request-gcm",
    "gb-services-request-cbc", "gb-services-request-gcm", "gb-totals-request-cbc", "gb-totals-request-gcm",
    "gb-step-count-request-cbc", "gb-step-count-request-gcm", "gb-sleep-count-request-cbc",
    "gb-sleep-count-request-gcm", "gb-step-data-request-1-cbc", "gb-step-data-request-1-gcm",
    "gb-step-data-request-255-cbc", "gb-step-data-request-255-gcm", "gb-step-data-request-1000-cbc",
    "gb-step-data-request-1000-gcm", "gb-reminder-on-cbc", "gb-reminder-on-gcm", "gb-trusleep-on-cbc",
    "gb-trusleep-on-gcm", "gb-auto-spo2-off-cbc", "gb-auto-spo2-off-gcm", "gb-date-format-cbc", "gb-date-format-gcm",
    "gb-notification-hip-cbc", "gb-notification-hip-gcm", "gb-notification-long-cbc", "gb-notification-long-gcm",
    "gb-notification-state-on-cbc", "gb-notification-state-on-gcm", "gb-find-phone-stop-cbc", "gb-find-phone-stop-gcm",
    "gbtest-deviceconfig-SupportedServicesRequest-serialized",
    "gbtest-deviceconfig-SupportedServicesResponseException-rawSupportedServices",
    "gbtest-deviceconfig-SupportedCommandsRequest-expectedSerialized",
    "gbtest-deviceconfig-SupportedCommandsResponseException02-rawSupportedCommands",
    "gbtest-deviceconfig-SupportedCommandsResponseException04-rawSupportedCommands",
    "gbtest-deviceconfig-TimeRequest-serialized",
    "gbtest-deviceconfig-ProductInformationResponse-rawProductInformation",
    "gbtest-deviceconfig-ProductInformationResponseException0A-rawProductInformation",
    "gbtest-fitnessdata-MessageCountRequest-sleepSerialized", "gbtest-fitnessdata-MessageCountResponse-rawSleep",
    "gbtest-fitnessdata-MessageCountResponse-rawStep", "gbtest-fitnessdata-MessageDataRequest-expectedStep",
    "gbtest-fitnessdata-MessageDataSleepResponse-raw", "gbtest-fitnessdata-MessageDataStepResponseSingleByte-raw",
    "gbtest-fitnessdata-ActivityReminderRequest-expected", "gbtest-fitnessdata-SpoData-raw",
    "gbtest-notifications-SetNotificationRequest-expectedOutputFalse",
    "gbtest-notifications-SetWearMessagePushRequest-expectedOutputTrue",
    "gbtest-alarms-SmartAlarmRequest-expectedOutput", "gbtest-workmode-SwitchStatusRequest-serializedTrue",
    "gbtest-workmode-SwitchStatusRequest-serializedFalse",
    "gbtest-disconnectnotification-BluetoothDisconnectNotificationSetting-serializedEnable",
    "gbtest-disconnectnotification-BluetoothDisconnectNotificationSetting-serializedDisable",
    "gbtest-huaweipacket-UnknownEncryptedPacketParse-input", "gbtest-huaweipacket-KnownEncryptedPacketParse-input",
    "gbtest-huaweipacket-EncryptedUnslicedSerialize-expected", "huawei-workout-count-request",
    "huawei-workout-count-response", "huawei-workout-totals-request",
)  # fmt: skip
PLAIN_AND_UNUSED = (
    "gb-reminder-on", "gb-trusleep-on", "gb-auto-spo2-off", "gb-date-format", "gb-notification-state-on",
    "gb-find-phone-stop", "gbtest-findphone-StopFindPhone-raw", "gbtest-findphone-FindPhoneMissingTag-raw",
)  # fmt: skip
"""Settings that hipsync never writes, and a search for the phone that it does not answer: frames and fields alone."""


@pytest.mark.parametrize("name", SEALED)
def test_sealed_messages_are_opened_and_sealed_again(name: str) -> None:
    body, iv = bytes.fromhex(says(name)["plain_tlv"]), bytes.fromhex(says(name)["iv"])
    said = message(name)
    assert plain(name) == body
    assert frames(Message(*said.what, cipher(name).seal(body, iv))) == parts(name)


@pytest.mark.parametrize("name", PLAIN_AND_UNUSED)
def test_messages_in_plain_are_left_as_they_are(name: str) -> None:
    body = bytes.fromhex(says(name)["plain_tlv"])
    said = message(name)
    assert plain(name) == body
    assert frames(said) == parts(name)
    fields = Fields.decode(body)
    assert tlv.encode(*fields.held) == body


def test_a_cipher_is_the_one_asserted_elsewhere() -> None:
    (text,) = parts("shiroi-cbc")
    key, iv, word = (bytes.fromhex(says("shiroi-cbc")[name]) for name in ("key", "iv", "plain"))
    assert ciphers.cbc_encrypted(key, iv, word) == text
    assert ciphers.cbc_decrypted(key, iv, text) == word


def test_after_the_last_number_of_a_vector_comes_one() -> None:
    before = int(says("gb-iv-counter-max")["counter_before"], 16)
    vectors = Vectors(bytes, before)
    assert [vectors.next()[12:].hex() for _ in range(2)] == ["00000001", "00000002"]
    assert [Vectors(bytes, before - 1).next()[12:].hex()] == ["ffffffff"]


# ------------------------------------------------------------------ link, negotiation

LINK_ANSWERS = "gb-link-params-answer-0", "gb-link-params-answer-2", "gb-link-params-answer-3"


@pytest.mark.parametrize("name", ["gb-link-params-request-BLE", "gbtest-deviceconfig-LinkParamsRequest-serialized"])
def test_the_link_is_asked_about(name: str) -> None:
    assert frames(Message(*packets.LINK, packets.ASK_LINK)) == parts(name)


def test_a_device_status_is_asked_for() -> None:
    assert frames(Message(*packets.DEVICE_STATUS, packets.ASK)) == parts("gb-device-status-request")


@pytest.mark.parametrize("name", LINK_ANSWERS)
def test_link_parameters_are_read(name: str) -> None:
    told = says(name)
    assert LinkParameters.decode(message(name).body) == LinkParameters(
        told["auth_version"],
        bytes.fromhex(told["server_nonce"]),
        told["slice_size"],
        told["link_size"],
        timedelta(milliseconds=told["interval"]),
        told["kind"],
        told["algorithm"],
        told["method"],
    )


def test_link_parameters_without_their_proof_are_refused() -> None:
    with pytest.raises(MalformedPacket):
        LinkParameters.decode(message("gbtest-deviceconfig-LinkParamsResponseException-rawLinkParams").body)


@pytest.mark.parametrize(
    ("name", "kind", "method"),
    [
        ("gb-negotiation-mode2-method0", packets.LITE, 0),
        ("gb-negotiation-mode4-method0", packets.HICHAIN_3, 0),
        ("gb-negotiation-mode4-method1", packets.HICHAIN_3, 1),
    ],
)
def test_a_login_is_negotiated(name: str, kind: int, method: int) -> None:
    link = LinkParameters(1, bytes(16), kind=kind, method=method)
    body = packets.negotiation(link, says(name)["identity"], says(name)["phone_model"])
    assert frames(Message(*packets.NEGOTIATION, body)) == parts(name)


@pytest.mark.parametrize(
    "name",
    ["gb-negotiation-answer-010104020102", "gb-negotiation-answer-010102020101", "gb-negotiation-answer-010101"],
)
def test_the_way_to_log_in_is_read(name: str) -> None:
    assert packets.negotiated(message(name).body) == says(name)["auth_type"]


def test_the_band_10_wants_to_be_met_first() -> None:
    (body,) = parts("band10-negotiation")
    assert packets.negotiated(body) == says("band10-negotiation")["auth_type"] == packets.FIRST_MEETING


def test_a_result_in_the_place_of_a_negotiation_refuses_it() -> None:
    with pytest.raises(UnexpectedReply, match="16909060"):
        packets.negotiated(message("gb-negotiation-answer-7f0401020304").body)


# ------------------------------------------------------------------ classic login, lite login, bond

ADDRESSES = (
    "gb-mac-key-v1-FFFFFFFFFFCC", "gb-mac-key-v1-001122334455", "gb-mac-key-v1-6CB749123456",
    "gb-mac-key-v1-aabbccddeeff", "gb-mac-key-v2-FFFFFFFFFFCC", "gb-mac-key-v2-001122334455",
    "gb-mac-key-v2-6CB749123456", "gb-mac-key-v2-aabbccddeeff", "gb-mac-key-v3-FFFFFFFFFFCC",
    "gb-mac-key-v3-001122334455", "gb-mac-key-v3-6CB749123456", "gb-mac-key-v3-aabbccddeeff", "zyv-mac-key",
)  # fmt: skip
CLASSIC = (
    "gb-digest-v1-0", "gb-digest-v1-2", "gb-digest-v2-0", "gb-digest-v2-2", "gb-digest-v3-0", "gb-digest-v3-2",
    "shiroi-digest-v1",
)  # fmt: skip
LITE = (
    "gb-digest-lite-v1-algo0-0", "gb-digest-lite-v1-algo0-2", "gb-digest-lite-v1-algo1-0", "gb-digest-lite-v1-algo1-2",
    "gb-digest-lite-v3-algo0-0", "gb-digest-lite-v3-algo0-2", "gb-digest-lite-v3-algo1-0", "gb-digest-lite-v3-algo1-2",
)  # fmt: skip
WORDS = proofs.CHALLENGE, proofs.ANSWER


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_makes_a_key(name: str) -> None:
    assert [proofs.address_key(says(name)["auth_version"], says(name)["mac"])] == parts(name)


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_words_are_proven(name: str) -> None:
    made = [proofs.classic(says(name)["auth_version"], word, nonces(name)) for word in WORDS]
    assert [each.digest + each.inner for each in made] == parts(name)


@pytest.mark.parametrize("name", LITE)
def test_the_words_of_lite_are_proven(name: str) -> None:
    told = says(name)
    pin = bytes.fromhex(told["pin"])
    made = [proofs.lite(told["auth_version"], word, nonces(name), pin, told["algorithm"]) for word in WORDS]
    assert [each.digest + each.inner for each in made] == parts(name)
    assert made[0].inner[:16].hex() == told["bond_key"]


def test_lite_of_version_2_proves_by_our_key() -> None:
    name = "gb-digest-lite-v2"
    key = bytes.fromhex(says(name)["key"])
    made = [proofs.lite_by_key(key, word, nonces(name)) for word in WORDS]
    assert [each.digest + each.inner for each in made] == parts(name)


def test_a_proof_is_sent() -> None:
    ours, theirs = (bytes.fromhex(says("gb-auth-request")[name]) for name in ("client_nonce", "server_nonce"))
    digest = proofs.classic(3, proofs.CHALLENGE, theirs + ours).digest
    assert frames(Message(*packets.AUTH, packets.auth(3, digest, ours))) == parts("gb-auth-request")


def test_a_proof_of_the_test_elsewhere_is_sent() -> None:
    name = "gbtest-deviceconfig-AuthRequest-serialized"
    body = bytes.fromhex(says(name)["plain_tlv"])
    assert frames(Message(*packets.AUTH, packets.auth(1, body[2:34], body[38:]))) == parts(name)


@pytest.mark.parametrize("name", ["gb-pin-v1-method0", "gb-pin-v2-method0", "gb-pin-v2-method1", "gb-pin-v3-method1"])
def test_a_pin_is_opened(name: str) -> None:
    text, iv = parts(name)
    pin = proofs.pin_of(says(name)["auth_version"], text, iv, gcm=says(name)["method"] == 1)
    assert pin.hex() == says(name)["pin"]


def test_a_pin_is_asked_for() -> None:
    assert frames(Message(*packets.PIN, packets.ASK)) == parts("gb-pin-request")


def test_the_bond_is_asked_about_and_its_answer_is_read() -> None:
    told = says("gb-bond-params-request")
    body = packets.bond_parameters(told["serial"], told["phone_mac"])
    assert frames(Message(*packets.BOND_PARAMETERS, body)) == parts("gb-bond-params-request")
    assert Bonded.decode(message("gb-bond-params-answer").body) == Bonded(True, 6547)


@pytest.mark.parametrize(
    "name", ["gb-bond-key-v1-method0", "gb-bond-key-v2-method0", "gb-bond-key-v2-method1", "gb-bond-key-v3-method1"]
)
def test_our_key_is_encrypted_for_the_bond(name: str) -> None:
    told = says(name)
    key = proofs.address_key(told["auth_version"], told["mac"])
    assert key.hex() == told["encrypted_with"]
    text = Cipher(key, told["method"] == 1).encrypted(bytes.fromhex(told["iv"]), bytes.fromhex(told["session_key"]))
    assert [text] == parts(name)


def test_our_key_is_handed_over() -> None:
    name = "gbtest-deviceconfig-BondRequest-serialized"
    body = Fields.decode(bytes.fromhex(says(name)["plain_tlv"]))
    made = packets.bond(body.value(0x05).decode(), body.value(0x06), bytes(16))
    assert frames(Message(*packets.BOND, made)) == parts(name)


# ------------------------------------------------------------------ HiChain

OPERATIONS = {hichain.BIND: "gb-hichain-keys-op1", hichain.AUTHENTICATE: "gb-hichain-keys-op2"}
STEPS = (
    "gb-hichain-op1-step2", "gb-hichain-op1-step3", "gb-hichain-op1-step4", "gb-hichain-op2-step2",
    "gb-hichain-op2-step4",
)  # fmt: skip
NONCE = bytes.fromhex("606162636465666768696a6b")


def answered(name: str, request: int = 0) -> Answered:
    """The operation of a row of keys, after the band's first answer."""
    told = says(name)
    root, seed, salt, band_salt = (bytes.fromhex(told[key]) for key in ("root_bytes", "seed", "salt_ours", "salt_band"))
    begun = Begun(told["operation"], request, told["identity_ours"], root, salt, seed)
    return Answered(begun, band_salt, told["identity_band"].encode())


@pytest.mark.parametrize("name", OPERATIONS.values())
def test_the_keys_of_an_operation_are_derived(name: str) -> None:
    told, made = says(name), answered(name)
    assert [made.band_token, made.token, made.receipt] == parts(name)
    assert (made.session.hex(), made.traffic.hex()) == (told["session_key"], told["transaction_key"])
    if told["pin"] is not None:
        assert hichain.root_of(bytes.fromhex(told["pin"])) == made.begun.root


def test_a_derived_key_is_the_one_asserted_elsewhere() -> None:
    told = says("shiroi-hkdf")
    key, salt = (bytes.fromhex(told[name]) for name in ("key", "salt"))
    assert [ciphers.derived(key, salt, told["info"].encode())] == parts("shiroi-hkdf")


@pytest.mark.parametrize("name", STEPS)
def test_the_steps_of_an_operation_say_the_same(name: str) -> None:
    """The order of members of JSON is its library's, so objects are compared; the rest is compared byte by byte."""
    told = says(name)
    made = answered(OPERATIONS[told["operation"]], told["request_id"])
    if told["step"] == 2:
        body = made.proof()
    elif told["step"] == 3:
        body = made.exchange(exchanged(made, json.loads(told["json"])["payload"]), NONCE)
    else:
        body = made.result(NONCE)
    ours, theirs = Fields.decode(body), Fields.decode(message(name).body)
    assert json.loads(ours.value(hichain.JSON)) == json.loads(theirs.value(hichain.JSON)) == json.loads(told["json"])
    assert ours.held[1:] == theirs.held[1:]


def exchanged(made: Answered, payload: dict[str, str]) -> bytes:
    """The random bytes that a row has sealed, opened with its key."""
    text = bytes.fromhex(payload["encData"])
    return ciphers.gcm_decrypted(made.session, NONCE, text, b"hichain_iso_exchange")
