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


class SettingsError(MaturityError):
    """A setting is missing or wrong."""


class AssessmentError(MaturityError):
    """An assessment, decision, claim or declaration cannot be taken as it was given."""


class UnknownAssessmentError(AssessmentError):
    """There is no such assessment, or not for this caller."""


class NotInvitedError(AssessmentError):
    """Somebody decides on an assessment without being invited to it."""


class SettledAssessmentError(AssessmentError):
    """The assessment is final or superseded, or not ready to be final."""


class ProgrammeError(MaturityError):
    """A summary or package cannot be taken into a programme, or too few sites would be shown."""
