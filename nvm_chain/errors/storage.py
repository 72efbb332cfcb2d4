"""Documents and files outside the chain that could not be kept, fetched or verified."""

from nvm_chain.errors.families import InputError, StorageError
from nvm_chain.errors.fields import Name, Others, Phrase


class UnverifiableUri(StorageError):
    """Raised when a metadata URI has no hash of its document, or no configured store can read the URI."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be read and verified: {reason}."
    next_step = (
        "Configure FolderStore for file:///…/<sha256>.json, or IpfsStore for ipfs://<CIDv1 of raw bytes>. Or ask the "
        "owner to publish the metadata as a data: URI or at https://…/<sha256>.json; neither needs a store."
    )


class MetadataNotSaved(StorageError):
    """Raised when a store cannot keep a metadata document. Nothing was sent to the chain."""

    place: Others
    reason: Phrase

    problem = "The metadata cannot be saved at {place}: {reason}."
    next_step = "Correct the cause, or use another store."


class MetadataUnavailable(StorageError):
    """Raised when a metadata document cannot be fetched, is too large, or is not text."""

    uri: Others
    reason: Phrase

    problem = "The metadata at {uri} cannot be fetched: {reason}."
    next_step = "Try again later, or ask the owner of the plan or agent."


class MetadataMismatch(StorageError):
    """Raised when a document does not have the hash or CID that its URI names."""

    uri: Others
    expected: Others
    actual: Others

    problem = "The metadata at {uri} should have the hash {expected}, but has {actual}."
    next_step = "Do not use this document. Ask the owner for the document with the hash {expected}."


class OpenApiUnavailable(StorageError):
    """Raised when an OpenAPI document cannot be read from its file or fetched from its URL. The error omits the URL's query."""

    source: Others
    reason: Phrase

    problem = "The OpenAPI document at {source} cannot be read: {reason}."
    next_step = "Correct the path or the URL, and try again."


class DownloadFailed(StorageError):
    """Raised when a file cannot be fetched completely, or cannot be written. No part of the file is kept. The error omits the URL's query."""

    url: Others
    reason: Phrase

    problem = "The download of {url} failed: {reason}. No part of the file was kept."
    next_step = "Try again. If the server is the cause, ask the plan owner."


class DownloadMismatch(StorageError):
    """Raised when a downloaded file differs from its metadata in size or hash."""

    url: Others
    what: Name
    expected: Name
    actual: Others

    problem = "The {what} of {url} should be {expected}, but is {actual}. No part of the file was kept."
    next_step = "Ask the plan owner for the file that the metadata describes."


class TargetExists(StorageError):
    """Raised when a file or folder already exists at the target of a download."""

    path: Others

    problem = "A file or folder already exists at {path}."
    next_step = "Give another name, or remove what is there."


class UnsafeFileName(InputError):
    """Raised when a file cannot be written safely under its given name."""

    name: Others
    reason: Phrase

    problem = "The file name {name} is not safe: {reason}."
    next_step = "Give a file name of your own."
