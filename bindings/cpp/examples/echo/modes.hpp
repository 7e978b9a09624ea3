// The three modes of the echo program; each returns the exit status.
#pragma once

#include <string>

/// Serves the echo contract until stdin ends or SIGTERM comes.
int serve(const std::string& address);
/// Runs the script of calls against a server, plain or with request ids.
int call(const std::string& address, bool ids);
/// Decodes and encodes anew each frame on stdin.
int golden();
