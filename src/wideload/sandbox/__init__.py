"""Runs a function on this machine as Lambda would: `LinuxSandbox` starts its environments."""

from wideload.sandbox.check import Capability, capabilities
from wideload.sandbox.linux import LinuxSandbox
from wideload.sandbox.unpack import unpack

__all__ = ["Capability", "LinuxSandbox", "capabilities", "unpack"]
