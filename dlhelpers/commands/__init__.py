"""The commands of ``python -m dlhelpers``, one module each."""
