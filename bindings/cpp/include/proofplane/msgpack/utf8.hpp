// Whether a text is UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace proofplane::msgpack {

inline bool is_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto lead = static_cast<std::uint8_t>(text[at++]);
        if (lead < 0x80) {
            continue;
        }
        // The first byte after the lead is what overlong forms, surrogates and too large code points differ in.
        std::size_t more = 0;
        std::uint8_t low = 0x80;
        std::uint8_t high = 0xbf;
        if (lead >= 0xc2 && lead <= 0xdf) {
            more = 1;
        } else if (lead >= 0xe0 && lead <= 0xef) {
            more = 2;
            low = lead == 0xe0 ? 0xa0 : low;
            high = lead == 0xed ? 0x9f : high;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
            more = 3;
            low = lead == 0xf0 ? 0x90 : low;
            high = lead == 0xf4 ? 0x8f : high;
        } else {
            return false;
        }
        if (more > text.size() - at) {
            return false;
        }
        for (; more > 0; --more, low = 0x80, high = 0xbf) {
            const auto next = static_cast<std::uint8_t>(text[at++]);
            if (next < low || next > high) {
                return false;
            }
        }
    }
    return true;
}

}  // namespace proofplane::msgpack
