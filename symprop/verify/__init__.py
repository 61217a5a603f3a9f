"""The oracles and the certificate: what proves that formulas and code agree."""

from symprop.verify.certificate import Certificate, check

__all__ = ["Certificate", "check"]
