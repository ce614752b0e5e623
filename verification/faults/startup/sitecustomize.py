"""Python runs this file at the start of every process on whose path this folder lies: the runner of seeded defects puts it there, nobody else.

So a defect reaches the processes that scenarios start, and what the device starts in its own place, without a hook inside the device.
"""

from verification.faults.activation import activate_named

activate_named()
