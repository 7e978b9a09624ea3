// Envelopes, for `echo golden` alone: in calls the core reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "proofplane/msgpack/writer.hpp"

/// What is around a payload.
struct Envelope {
    std::optional<std::uint64_t> id;
    std::string name;
    std::span<const std::uint8_t> payload;
};

/// An envelope, or the reason code why there is none.
std::variant<Envelope, std::string_view> read_envelope(std::span<const std::uint8_t> body, bool request);

/// Puts an envelope around packed fields.
proofplane::msgpack::Bytes write_envelope(const Envelope& envelope, bool request);
