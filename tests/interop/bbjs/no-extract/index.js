// msgpackr tries to load its native half and goes on without it when that throws.
throw new Error("not built");
