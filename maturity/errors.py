"""What can go wrong with evidence and assessments, each as one sentence for a person."""


class MaturityError(Exception):
    """Base of everything this room raises."""


class ProofError(MaturityError):
    """A proof does not lead to the root, or is none."""


class KeyFileError(MaturityError):
    """A key file is missing, readable by others, or no key."""


class SignatureError(MaturityError):
    """A signature is wrong, missing, or by a key that is not known here."""


class TamperedLogError(MaturityError):
    """The evidence log is not what its checkpoints say."""


class UnknownMetricError(MaturityError):
    """A catalogue names a metric that the product does not have."""


class CatalogueError(MaturityError):
    """A catalogue cannot be read or contradicts itself."""


class PackageError(MaturityError):
    """A package is none of ours, or cannot be made."""
