"""``python tests/pretend_device.py 07``: run a lecture on the pretend accelerator (see the package ``pretend``)."""

import sys

from pretend import lectures

if __name__ == "__main__":
    sys.exit(lectures.main(sys.argv[1:]))
