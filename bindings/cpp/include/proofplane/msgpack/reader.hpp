// Reads msgpack that nobody has checked: every integer and length width, never past the end, never more memory than the
// bytes warrant.
//
// The first failure sticks: later reads give empty values and loops end, so that a decoder needs no check after each
// step.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proofplane/msgpack/utf8.hpp"

namespace proofplane::msgpack {

/// Which rule the bytes break.
enum class Reason {
    truncated,      ///< they end inside a value
    trailing,       ///< something follows the value
    wrong_type,     ///< another type stands there
    out_of_range,   ///< an integer that its type cannot hold
    wrong_length,   ///< a fixed number of bytes or values is not met
    missing_field,  ///< a struct lacks a field
    not_utf8,       ///< a string is not UTF-8
    not_a_value,    ///< a byte that begins no msgpack value
};

/// What is wrong and where.
struct DecodeError {
    Reason reason;
    std::string what;
    std::string where;  ///< the way in from the outermost struct: `value.points[].x`; empty at its own level

    [[nodiscard]] std::string message() const { return where.empty() ? what : where + ": " + what; }
};

class Reader {
   public:
    explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

    [[nodiscard]] bool ok() const { return !error_; }
    [[nodiscard]] const std::optional<DecodeError>& error() const { return error_; }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }

    /// Notes the first failure; what comes later is its consequence.
    void fail(Reason reason, std::string what) {
        if (!error_) {
            error_ = DecodeError{reason, std::move(what), {}};
            rest_ = {};
        }
    }

    /// Says in which part the failure lies, from the inside out: a field's name, `[]` for a list, `{}` for a map.
    void within(std::string_view part) {
        const bool field_inside =
            !error_->where.empty() && error_->where.front() != '[' && error_->where.front() != '{';
        error_->where.insert(0, std::string(part) + (field_inside ? "." : ""));
    }

    /// Fails unless everything was read.
    void end() {
        if (ok() && !rest_.empty()) {
            fail(Reason::trailing, std::to_string(rest_.size()) + " bytes follow the value");
        }
    }

    /// Takes a nil if it is next.
    bool nil() {
        if (peek() != 0xc0) {
            return false;
        }
        rest_ = rest_.subspan(1);
        return true;
    }

    bool boolean() {
        const std::uint8_t tag = byte();
        if (ok() && tag != 0xc2 && tag != 0xc3) {
            fail(Reason::wrong_type, "expected a bool");
        }
        return ok() && tag == 0xc3;
    }

    /// An integer of any width between 0 and `most`.
    std::uint64_t integer(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
        const auto [value, negative] = any_integer(byte(), "expected an integer");
        if (ok() && (negative || value > most)) {
            fail(Reason::out_of_range, negative ? "an integer below 0" : "an integer above " + std::to_string(most));
        }
        return ok() ? value : 0;
    }

    /// A float of either width, or an integer.
    double number() {
        const std::uint8_t tag = byte();
        if (tag == 0xcb) {
            return std::bit_cast<double>(big_endian(8));
        }
        if (tag == 0xca) {
            return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(big_endian(4))));
        }
        const auto [value, negative] = any_integer(tag, "expected a number");
        return negative ? static_cast<double>(static_cast<std::int64_t>(value)) : static_cast<double>(value);
    }

    /// On loan from the bytes.
    std::string_view text() {
        const std::uint8_t tag = byte();
        if (!ok()) {
            return {};
        }
        const bool small = (tag & 0xe0) == 0xa0;
        if (!small && (tag < 0xd9 || tag > 0xdb)) {
            fail(Reason::wrong_type, "expected a string");
            return {};
        }
        const auto bytes = take(small ? tag & 0x1f : big_endian(std::size_t{1} << (tag - 0xd9)));
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        if (!is_utf8(text)) {
            fail(Reason::not_utf8, "a string that is not UTF-8");
            return {};
        }
        return text;
    }

    /// On loan from the bytes.
    std::span<const std::uint8_t> bytes() {
        const std::uint8_t tag = byte();
        if (ok() && (tag < 0xc4 || tag > 0xc6)) {
            fail(Reason::wrong_type, "expected bytes");
        }
        return ok() ? take(big_endian(std::size_t{1} << (tag - 0xc4))) : std::span<const std::uint8_t>{};
    }

    /// How many values follow; never more than there are bytes left.
    std::size_t array() { return container(0x90, 0xdc, 1, "expected an array"); }
    /// How many pairs follow; never more than half of the bytes left.
    std::size_t map() { return container(0x80, 0xde, 2, "expected a map"); }

    /// Passes over one value of any type, however deep.
    void skip() {
        for (std::uint64_t values = 1; values > 0 && ok(); --values) {
            values += skip_head();
        }
    }

   private:
    struct Integer {
        std::uint64_t value;
        bool negative;
    };

    std::uint8_t peek() const { return rest_.empty() ? 0xc1 : rest_.front(); }

    std::span<const std::uint8_t> take(std::uint64_t count) {
        if (count > rest_.size()) {
            fail(Reason::truncated, "the bytes end inside a value");
            return {};
        }
        const auto taken = rest_.first(static_cast<std::size_t>(count));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    std::uint8_t byte() {
        const auto one = take(1);
        if (!one.empty() && one.front() == 0xc1) {
            fail(Reason::not_a_value, "a byte that begins no value");
        }
        return one.empty() ? 0xc1 : one.front();  // no tag, so nobody takes it for its own
    }

    std::uint64_t big_endian(std::size_t width) {
        std::uint64_t value = 0;
        for (const std::uint8_t one : take(width)) {
            value = value << 8 | one;
        }
        return value;
    }

    Integer any_integer(std::uint8_t tag, const char* expected) {
        if (tag < 0x80) {
            return {tag, false};
        }
        if (tag >= 0xe0) {
            return {static_cast<std::uint64_t>(static_cast<std::int8_t>(tag)), true};
        }
        if (tag >= 0xcc && tag <= 0xcf) {
            return {big_endian(std::size_t{1} << (tag - 0xcc)), false};
        }
        if (tag >= 0xd0 && tag <= 0xd3) {
            const unsigned shift = 64 - (8U << (tag - 0xd0));
            const auto value = static_cast<std::int64_t>(big_endian(std::size_t{1} << (tag - 0xd0)) << shift) >> shift;
            return {static_cast<std::uint64_t>(value), value < 0};
        }
        fail(Reason::wrong_type, expected);
        return {0, false};
    }

    std::size_t container(std::uint8_t small, std::uint8_t tag16, std::size_t least, const char* expected) {
        const std::uint8_t tag = byte();
        std::uint64_t count = 0;
        if ((tag & 0xf0) == small) {
            count = tag & 0x0f;
        } else if (tag == tag16 || tag == tag16 + 1) {
            count = big_endian(tag == tag16 ? 2 : 4);
        } else {
            fail(Reason::wrong_type, expected);
        }
        if (ok() && count > rest_.size() / least) {
            fail(Reason::truncated, "more values are announced than bytes are left");
        }
        return ok() ? static_cast<std::size_t>(count) : 0;
    }

    /// Passes over a value's tag and bytes; gives how many values are inside it.
    std::uint64_t skip_head() {
        const std::uint8_t tag = byte();
        if (!ok() || tag < 0x80 || tag >= 0xe0 || tag == 0xc0 || tag == 0xc2 || tag == 0xc3) {
            return 0;
        }
        if (tag < 0x90) {
            return 2U * (tag & 0x0fU);
        }
        if (tag < 0xa0) {
            return tag & 0x0fU;
        }
        if (tag < 0xc0) {
            take(tag & 0x1fU);
        } else if (tag >= 0xc4 && tag <= 0xc6) {
            take(big_endian(std::size_t{1} << (tag - 0xc4)));
        } else if (tag >= 0xc7 && tag <= 0xc9) {
            take(big_endian(std::size_t{1} << (tag - 0xc7)) + 1);
        } else if (tag == 0xca || tag == 0xcb) {
            take(tag == 0xca ? 4 : 8);
        } else if (tag >= 0xcc && tag <= 0xd3) {
            take(std::uint64_t{1} << ((tag - 0xcc) & 3));
        } else if (tag >= 0xd4 && tag <= 0xd8) {
            take((std::uint64_t{1} << (tag - 0xd4)) + 1);
        } else if (tag >= 0xd9 && tag <= 0xdb) {
            take(big_endian(std::size_t{1} << (tag - 0xd9)));
        } else if (tag == 0xdc || tag == 0xdd) {
            return big_endian(tag == 0xdc ? 2 : 4);
        } else {
            return 2 * big_endian(tag == 0xde ? 2 : 4);
        }
        return 0;
    }

    std::span<const std::uint8_t> rest_;
    std::optional<DecodeError> error_;
};

}  // namespace proofplane::msgpack
