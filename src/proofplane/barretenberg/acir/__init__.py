"""ACIR without Noir: programs and witnesses built in Python, in the bytes that `bb` reads."""
