"""Documents and files that are not on the chain, and could not be kept, fetched or verified."""

from nvm_chain.errors.families import InputError, StorageError
from nvm_chain.errors.fields import Name, Others, Phrase


class UnverifiableUri(StorageError):
    """Raised when a metadata URI has no hash to compare its document with, or no store for it is configured."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be read and verified: {reason}."
    next_step = (
        "Configure the store, or ask whoever registered it. What can be verified: data:application/json;base64,… and "
        "https://…/<sha256>.json always, file:///…/<sha256>.json with its FolderStore, ipfs://<CIDv1 of raw bytes> with an IpfsStore."
    )


class MetadataNotSaved(StorageError):
    """Raised when a store cannot keep a metadata document. Nothing was sent to the chain."""

    place: Others
    reason: Phrase

    problem = "The metadata cannot be saved at {place}: {reason}."
    next_step = "Correct that, or use another store."


class MetadataUnavailable(StorageError):
    """Raised when a metadata document cannot be fetched, or is not text of a size that it may have."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be fetched: {reason}."
    next_step = "Try again later, or ask whoever registered it."


class MetadataMismatch(StorageError):
    """Raised when a document is not the one that its URI names: another hash, or another CID."""

    uri: Others
    expected: Others
    actual: Others

    problem = "The metadata at {uri} should hash to {expected} and hashes to {actual}."
    next_step = "Do not use it; whoever serves it has changed it."


class DownloadFailed(StorageError):
    """Raised when a file cannot be fetched whole, or not be written. Nothing of it is left. Has no query of the URL."""

    url: Others
    reason: Phrase

    problem = "{url} was not downloaded: {reason}. Nothing of it was kept."
    next_step = "Correct that and try again."


class DownloadMismatch(StorageError):
    """Raised when a file came whole and is not what was declared: another length in bytes, or another hash."""

    url: Others
    what: Name
    expected: Name
    actual: Others

    problem = "The {what} of {url} should be {expected} and is {actual}. Nothing of it was kept."
    next_step = "Ask whoever offers the file for the one that was declared."


class TargetExists(StorageError):
    """Raised when something is already where a download should go."""

    path: Others

    problem = "There is something at {path} already."
    next_step = "Give another name, or remove it first."


class UnsafeFileName(InputError):
    """Raised when a file cannot safely be written under the name that somebody gave it."""

    name: Others
    reason: Phrase

    problem = "A file is not written under the name {name}: {reason}."
    next_step = "Give a name of your own."
