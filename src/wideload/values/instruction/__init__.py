"""What a deployment is going to do, one frozen step after the other.

Instructions are computed before the first of them is executed, so they can be shown,
compared and counted. A version that only exists once another instruction has run is
written as nothing: it is the one that the `PublishVersion` before it brings. The version of a
layer that only exists once a `PublishLayer` has run is left out of the layer's ARN.
"""

from __future__ import annotations

from wideload.values.instruction.code import (
    Code,
    Configuration,
    ImageCode,
    InlineCode,
    MountedAt,
    StoredCode,
)
from wideload.values.instruction.directories import (
    FillDirectory,
    SweepDirectories,
)
from wideload.values.instruction.functions import (
    CreateFunction,
    DeleteFunction,
    TagFunction,
    UpdateCode,
    UpdateConfiguration,
)
from wideload.values.instruction.images import (
    CreateRepository,
    DeleteImages,
    DeleteRepository,
    PushImage,
    SetRepositoryPolicy,
)
from wideload.values.instruction.layers import (
    DeleteLayerVersion,
    PublishLayer,
)
from wideload.values.instruction.logs import (
    CreateLogGroup,
    DeleteLogGroup,
    SetRetention,
)
from wideload.values.instruction.roles import (
    CreateRole,
    DeleteRole,
    DeleteRolePolicy,
    PutRolePolicy,
    SetTrust,
)
from wideload.values.instruction.storage import (
    CreateBucket,
    DeleteBucket,
    DeleteObjects,
    SecureBucket,
    UploadFiles,
    UploadObject,
    VersionBucket,
)
from wideload.values.instruction.versions import (
    LIVE_ALIAS,
    CreateAlias,
    DeleteAlias,
    ProvisionConcurrency,
    PublishVersion,
    ReleaseConcurrency,
    Smoke,
    SmokeTest,
    UpdateAlias,
    WaitUntilProvisioned,
    WaitUntilReady,
)
from wideload.values.networking import Networking

__all__ = [
    "LIVE_ALIAS",
    "Code",
    "Configuration",
    "CreateAlias",
    "CreateBucket",
    "CreateFunction",
    "CreateLogGroup",
    "CreateRepository",
    "CreateRole",
    "DeleteAlias",
    "DeleteBucket",
    "DeleteFunction",
    "DeleteImages",
    "DeleteLayerVersion",
    "DeleteLogGroup",
    "DeleteObjects",
    "DeleteRepository",
    "DeleteRole",
    "DeleteRolePolicy",
    "FillDirectory",
    "ImageCode",
    "InlineCode",
    "Instruction",
    "MountedAt",
    "ProvisionConcurrency",
    "PublishLayer",
    "PublishVersion",
    "PushImage",
    "PutRolePolicy",
    "ReleaseConcurrency",
    "SecureBucket",
    "SetRepositoryPolicy",
    "SetRetention",
    "SetTrust",
    "Smoke",
    "SmokeTest",
    "StoredCode",
    "SweepDirectories",
    "TagFunction",
    "UpdateAlias",
    "UpdateCode",
    "UpdateConfiguration",
    "UploadFiles",
    "UploadObject",
    "VersionBucket",
    "WaitUntilProvisioned",
    "WaitUntilReady",
]

Instruction = (
    CreateRole
    | SetTrust
    | PutRolePolicy
    | CreateLogGroup
    | SetRetention
    | CreateBucket
    | SecureBucket
    | UploadObject
    | CreateRepository
    | SetRepositoryPolicy
    | PushImage
    | PublishLayer
    | CreateFunction
    | TagFunction
    | UpdateCode
    | UpdateConfiguration
    | WaitUntilReady
    | PublishVersion
    | SmokeTest
    | CreateAlias
    | UpdateAlias
    | ProvisionConcurrency
    | WaitUntilProvisioned
    | ReleaseConcurrency
    | DeleteAlias
    | DeleteFunction
    | DeleteObjects
    | DeleteLayerVersion
    | DeleteImages
    | DeleteRepository
    | DeleteBucket
    | DeleteLogGroup
    | DeleteRolePolicy
    | DeleteRole
    | FillDirectory
    | UploadFiles
    | VersionBucket
    | SweepDirectories
    | Networking
)
