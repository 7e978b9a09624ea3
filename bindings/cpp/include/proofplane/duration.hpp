// Durations as the C ABI takes them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace proofplane {

/// Milliseconds, clamped into 32 bits: a wrapped one would be a short wait where a long one was meant.
inline std::uint32_t milliseconds(std::chrono::milliseconds value) {
    constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value.count(), 0, most));
}

}  // namespace proofplane
