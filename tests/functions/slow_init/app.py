"""Takes as long to import as the variable INIT_SECONDS says."""

import os
import time

INIT_SECONDS = float(os.environ["INIT_SECONDS"])
print(f"importing for {INIT_SECONDS} s", flush=True)
time.sleep(INIT_SECONDS)


def handler(event, context):
    return {"init_seconds": INIT_SECONDS}
