// Packs msgpack in the one form that the wire allows: the smallest integers and lengths, f64 always in nine bytes.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace proofplane::msgpack {

using Bytes = std::vector<std::uint8_t>;

/// Appends values to a buffer, which `take` hands over. Lengths are below 2^32: a frame is.
class Writer {
   public:
    void nil() { byte(0xc0); }
    void boolean(bool value) { byte(value ? 0xc3 : 0xc2); }

    void integer(std::uint64_t value) {
        if (value < 0x80) {
            byte(static_cast<std::uint8_t>(value));
        } else if (value <= 0xff) {
            tagged(0xcc, static_cast<std::uint8_t>(value));
        } else if (value <= 0xffff) {
            tagged(0xcd, static_cast<std::uint16_t>(value));
        } else if (value <= 0xffff'ffff) {
            tagged(0xce, static_cast<std::uint32_t>(value));
        } else {
            tagged(0xcf, value);
        }
    }

    void number(double value) { tagged(0xcb, std::bit_cast<std::uint64_t>(value)); }

    void text(std::string_view value) {
        if (value.size() < 32) {
            byte(static_cast<std::uint8_t>(0xa0 | value.size()));
        } else if (value.size() <= 0xff) {
            tagged(0xd9, static_cast<std::uint8_t>(value.size()));
        } else {
            long_length(0xda, value.size());
        }
        append(value.data(), value.size());
    }

    void bytes(std::span<const std::uint8_t> value) {
        if (value.size() <= 0xff) {
            tagged(0xc4, static_cast<std::uint8_t>(value.size()));
        } else {
            long_length(0xc5, value.size());
        }
        append(value.data(), value.size());
    }

    /// So many values follow.
    void array(std::size_t count) { container(0x90, 0xdc, count); }
    /// So many keys, each with its value, follow.
    void map(std::size_t count) { container(0x80, 0xde, count); }
    /// Bytes that are packed already.
    void packed(std::span<const std::uint8_t> value) { append(value.data(), value.size()); }

    [[nodiscard]] std::span<const std::uint8_t> view() const { return out_; }
    [[nodiscard]] Bytes take() { return std::exchange(out_, {}); }

   private:
    void byte(std::uint8_t value) { out_.push_back(value); }

    template <std::unsigned_integral T>
    void tagged(std::uint8_t tag, T value) {
        std::uint8_t bytes[1 + sizeof(T)] = {tag};
        for (std::size_t at = sizeof(T); at > 0; --at) {
            bytes[at] = static_cast<std::uint8_t>(value);
            value = static_cast<T>(static_cast<std::uint64_t>(value) >> 8);
        }
        append(bytes, sizeof bytes);
    }

    /// A length of two or four bytes; the tag of four is the next one.
    void long_length(std::uint8_t tag, std::size_t length) {
        if (length <= 0xffff) {
            tagged(tag, static_cast<std::uint16_t>(length));
        } else {
            tagged(static_cast<std::uint8_t>(tag + 1), static_cast<std::uint32_t>(length));
        }
    }

    void container(std::uint8_t small, std::uint8_t tag, std::size_t count) {
        if (count < 16) {
            byte(static_cast<std::uint8_t>(small | count));
        } else {
            long_length(tag, count);
        }
    }

    void append(const void* data, std::size_t size) {
        const auto* first = static_cast<const std::uint8_t*>(data);
        out_.insert(out_.end(), first, first + size);
    }

    Bytes out_;
};

}  // namespace proofplane::msgpack
