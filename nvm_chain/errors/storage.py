"""Documents and files that are not on the chain, and could not be kept, fetched or verified."""

from nvm_chain.errors.families import InputError, StorageError
from nvm_chain.errors.fields import Name, Others, Phrase


class UnverifiableUri(StorageError):
    """Raised when a metadata URI names no hash of its document, or no configured store can read the URI."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be read and verified: {reason}."
    next_step = (
        "Configure a store for this URI, or ask the owner for another URI. These URIs need no store: "
        "data:application/json;base64,… and https://…/<sha256>.json. file:///…/<sha256>.json needs its FolderStore. "
        "ipfs://<CIDv1 of raw bytes> needs an IpfsStore."
    )


class MetadataNotSaved(StorageError):
    """Raised when a store cannot keep a metadata document. Nothing was sent to the chain."""

    place: Others
    reason: Phrase

    problem = "The metadata cannot be saved at {place}: {reason}."
    next_step = "Correct the cause, or use another store."


class MetadataUnavailable(StorageError):
    """Raised when a metadata document cannot be fetched, or is not text of a size that it may have."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be fetched: {reason}."
    next_step = "Try again later, or ask the owner of the plan or agent."


class MetadataMismatch(StorageError):
    """Raised when a document is not the one that its URI names: another hash, or another CID."""

    uri: Others
    expected: Others
    actual: Others

    problem = "The metadata at {uri} should hash to {expected} and hashes to {actual}."
    next_step = "Do not use this document. Ask the owner for the one whose hash is {expected}."


class DownloadFailed(StorageError):
    """Raised when a file cannot be fetched whole, or cannot be written. No part of the file is kept. The error omits the URL's query."""

    url: Others
    reason: Phrase

    problem = "{url} was not downloaded: {reason}. No part of the file was kept."
    next_step = "Try again. If the cause is at the server, ask the seller."


class DownloadMismatch(StorageError):
    """Raised when a downloaded file differs from its metadata in size or hash."""

    url: Others
    what: Name
    expected: Name
    actual: Others

    problem = "The {what} of {url} should be {expected} and is {actual}. No part of the file was kept."
    next_step = "Ask the seller for the file that the metadata declares."


class TargetExists(StorageError):
    """Raised when something is already where a download should go."""

    path: Others

    problem = "A file or folder exists at {path} already."
    next_step = "Give another name, or remove what is there."


class UnsafeFileName(InputError):
    """Raised when a file cannot safely be written under the name that somebody gave it."""

    name: Others
    reason: Phrase

    problem = "A file is not written under the name {name}: {reason}."
    next_step = "Give a name of your own."
