"""Our circuits: the header step with its retarget form, SHA-256 without the opcode, and the recursive one."""
