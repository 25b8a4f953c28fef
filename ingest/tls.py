"""TLS towards the broker: files in, a context out; a failed connection in, a sentence about what is wrong out.

At least TLS 1.2, the broker's certificate and host name are always checked. What only somebody can repair (files,
certificates, names) ends the service with one line; what passes by itself (a broker that starts) is tried again.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from ingest.errors import SettingsError

_EXPIRED, _NOT_YET_VALID, _WRONG_HOST, _WRONG_ADDRESS = 10, 9, 62, 64  # X509_V_ERR_* of OpenSSL
_MISMATCH = "KEY_VALUES_MISMATCH"
_SETTINGS = "HAIDANG_BROKER_CERT_FILE and HAIDANG_BROKER_KEY_FILE"
_OURS = "The broker at {place} does not accept our certificate: "
# Words in OpenSSL's reason, and what they mean to whoever runs ingest.
_REFUSALS = (
    (
        ("CERTIFICATE_REQUIRED", "ALERT_HANDSHAKE_FAILURE"),
        f"The broker at {{place}} wants a client certificate: set {_SETTINGS}.",
    ),
    (("ALERT_CERTIFICATE_EXPIRED",), _OURS + "HAIDANG_BROKER_CERT_FILE has expired."),
    (("ALERT_CERTIFICATE_REVOKED",), _OURS + "it was revoked."),
    (
        ("ALERT_UNKNOWN_CA", "ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_UNKNOWN"),
        _OURS + "it is signed by another authority ({reason}).",
    ),
    (("UNSUPPORTED_PROTOCOL", "ALERT_PROTOCOL_VERSION"), "The broker at {place} speaks no TLS 1.2 or newer."),
    (
        ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"),
        "What listens at {place} speaks no TLS: use its TLS port, or mqtt:// in HAIDANG_BROKER_URL.",
    ),
)


@dataclass(frozen=True)
class TlsFiles:
    """What a TLS connection is made with; without a CA file the system's authorities are trusted."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    key_password: str = ""


def make_context(files: TlsFiles) -> ssl.SSLContext:
    """Read the files.

    Raises:
        SettingsError: names the file that is not usable.
    """
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"HAIDANG_BROKER_CA_FILE {files.ca_file} cannot be used: {_reason(error)}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.cert_file or files.key_file:
        _load_identity(context, files)
    return context


def _load_identity(context: ssl.SSLContext, files: TlsFiles) -> None:
    if files.cert_file is None or files.key_file is None:
        raise SettingsError(f"A client certificate needs its key: set {_SETTINGS} both.")
    for variable, file in (("CERT", files.cert_file), ("KEY", files.key_file)):
        try:
            file.read_bytes()
        except OSError as error:
            raise SettingsError(f"HAIDANG_BROKER_{variable}_FILE {file} cannot be read: {_reason(error)}") from error
    try:
        # A password is always given, else OpenSSL asks for it on the terminal and a service hangs.
        context.load_cert_chain(files.cert_file, files.key_file, lambda: files.key_password)
    except (OSError, ValueError) as error:
        raise SettingsError(_identity_problem(error, files)) from error


def _identity_problem(error: Exception, files: TlsFiles) -> str:
    reason = str(getattr(error, "reason", "") or "")
    if reason == _MISMATCH:
        return f"{_SETTINGS} do not belong together: {files.key_file} is not the key of {files.cert_file}."
    if "ENCRYPTED" in files.key_file.read_text("latin-1") if files.key_file else False:
        return f"The key {files.key_file} is encrypted: HAIDANG_BROKER_KEY_PASSWORD is missing or wrong."
    return f"{_SETTINGS} cannot be used ({files.cert_file}, {files.key_file}): {_reason(error)}"


def refusal(error: BaseException | None, place: str, host: str) -> str:
    """Why trying again does not help, as a sentence; empty where it may help."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _distrust(error, place, host)
    reason = str(getattr(error, "reason", "") or "")
    for words, sentence in _REFUSALS:
        if any(word in reason for word in words):
            return sentence.format(place=place, reason=reason)
    return ""


def hint(error: BaseException | None, place: str) -> str:
    """What may be behind a TLS connection that ended, as a clause; empty for anything else."""
    ended = isinstance(error, ssl.SSLEOFError | ConnectionResetError | ConnectionAbortedError)
    return f"the TLS handshake was cut off; if it stays so, {place} may be no TLS port" if ended else ""


def _distrust(error: ssl.SSLCertVerificationError, place: str, host: str) -> str:
    code = error.verify_code
    if code == _EXPIRED:
        return f"The certificate of the broker at {place} has expired: it needs a new one."
    if code == _NOT_YET_VALID:
        return f"The certificate of the broker at {place} is not valid yet: compare the clocks of both machines."
    if code in {_WRONG_HOST, _WRONG_ADDRESS}:
        return (
            f"The certificate of the broker at {place} is not for {host}: use a name that it holds, or make one for it."
        )
    return (
        f"The certificate of the broker at {place} is not signed by an authority we trust "
        f"({error.verify_message}): set HAIDANG_BROKER_CA_FILE to the CA certificate of that broker."
    )


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "it is no certificate in PEM form"
    return getattr(error, "strerror", None) or str(error)
