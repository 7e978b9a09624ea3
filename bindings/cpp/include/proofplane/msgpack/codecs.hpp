// One codec for each type of a contract: `write` and `read` for it, composed as the contract composes types.
//
// A struct's codec is `Struct<T>`, for which `pack(Writer&, const T&)` and `unpack(Reader&, T&)` stand beside T;
// generated code has both.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "proofplane/msgpack/reader.hpp"
#include "proofplane/msgpack/writer.hpp"

namespace proofplane {

/// A value that travels packed inside a bin of its own.
template <class T>
struct Packed {
    T value{};

    bool operator==(const Packed&) const = default;
};

}  // namespace proofplane

namespace proofplane::msgpack {

/// A list makes room for so many values before it has seen them: an announced count is not trusted with more memory.
inline constexpr std::size_t kRoomOnTrust = 1024;

template <class T>
struct Unsigned {
    using Type = T;
    static void write(Writer& writer, T value) { writer.integer(value); }
    static void read(Reader& reader, T& value) {
        value = static_cast<T>(reader.integer(std::numeric_limits<T>::max()));
    }
};

using U8 = Unsigned<std::uint8_t>;
using U16 = Unsigned<std::uint16_t>;
using U32 = Unsigned<std::uint32_t>;
using U64 = Unsigned<std::uint64_t>;

struct F64 {
    using Type = double;
    static void write(Writer& writer, double value) { writer.number(value); }
    static void read(Reader& reader, double& value) { value = reader.number(); }
};

struct Bool {
    using Type = bool;
    static void write(Writer& writer, bool value) { writer.boolean(value); }
    static void read(Reader& reader, bool& value) { value = reader.boolean(); }
};

struct String {
    using Type = std::string;
    static void write(Writer& writer, const std::string& value) { writer.text(value); }
    static void read(Reader& reader, std::string& value) { value = reader.text(); }
};

struct Binary {
    using Type = Bytes;
    static void write(Writer& writer, const Bytes& value) { writer.bytes(value); }
    static void read(Reader& reader, Bytes& value) {
        const auto bytes = reader.bytes();
        value.assign(bytes.begin(), bytes.end());
    }
};

template <std::size_t N>
struct Fixed {
    using Type = std::array<std::uint8_t, N>;
    static void write(Writer& writer, const Type& value) { writer.bytes(value); }
    static void read(Reader& reader, Type& value) {
        const auto bytes = reader.bytes();
        if (bytes.size() == N) {
            std::ranges::copy(bytes, value.begin());
        } else {
            reader.fail(Reason::wrong_length,
                        "expected " + std::to_string(N) + " bytes, got " + std::to_string(bytes.size()));
        }
    }
};

template <class Inner>
struct Maybe {
    using Type = std::optional<typename Inner::Type>;
    static void write(Writer& writer, const Type& value) {
        if (value) {
            Inner::write(writer, *value);
        } else {
            writer.nil();
        }
    }
    static void read(Reader& reader, Type& value) {
        if (reader.nil()) {
            value.reset();
        } else {
            Inner::read(reader, value.emplace());
        }
    }
};

template <class Inner>
struct List {
    using Type = std::vector<typename Inner::Type>;
    static void write(Writer& writer, const Type& value) {
        writer.array(value.size());
        for (const auto& one : value) {
            Inner::write(writer, one);
        }
    }
    static void read(Reader& reader, Type& value) {
        const std::size_t count = reader.array();
        value.clear();
        value.reserve(std::min(count, kRoomOnTrust));
        for (std::size_t at = 0; at < count && reader.ok(); ++at) {
            typename Inner::Type one{};  // not emplaced: a vector of bool gives no reference
            Inner::read(reader, one);
            value.push_back(std::move(one));
        }
        if (!reader.ok()) {
            reader.within("[]");
        }
    }
};

template <class Inner, std::size_t N>
struct Array {
    using Type = std::array<typename Inner::Type, N>;
    static void write(Writer& writer, const Type& value) {
        writer.array(N);
        for (const auto& one : value) {
            Inner::write(writer, one);
        }
    }
    static void read(Reader& reader, Type& value) {
        const std::size_t count = reader.array();
        if (reader.ok() && count != N) {
            reader.fail(Reason::wrong_length,
                        "expected " + std::to_string(N) + " values, got " + std::to_string(count));
        }
        for (auto& one : value) {
            Inner::read(reader, one);
        }
    }
};

/// Keys ascend on the wire, as they do in a std::map; of a key given twice the last counts.
template <class Key, class Value>
struct Map {
    using Type = std::map<typename Key::Type, typename Value::Type>;
    static void write(Writer& writer, const Type& value) {
        writer.map(value.size());
        for (const auto& [key, one] : value) {
            Key::write(writer, key);
            Value::write(writer, one);
        }
    }
    static void read(Reader& reader, Type& value) {
        const std::size_t count = reader.map();
        value.clear();
        for (std::size_t at = 0; at < count && reader.ok(); ++at) {
            typename Key::Type key{};
            Key::read(reader, key);
            typename Value::Type one{};
            Value::read(reader, one);
            value.insert_or_assign(key, std::move(one));
        }
        if (!reader.ok()) {
            reader.within("{}");
        }
    }
};

template <class... Items>
struct Tuple {
    using Type = std::tuple<typename Items::Type...>;
    static void write(Writer& writer, const Type& value) {
        writer.array(sizeof...(Items));
        std::apply([&](const auto&... items) { (Items::write(writer, items), ...); }, value);
    }
    static void read(Reader& reader, Type& value) {
        const std::size_t count = reader.array();
        if (reader.ok() && count != sizeof...(Items)) {
            reader.fail(Reason::wrong_length,
                        "expected " + std::to_string(sizeof...(Items)) + " values, got " + std::to_string(count));
        }
        std::apply([&](auto&... items) { (Items::read(reader, items), ...); }, value);
    }
};

template <class T>
struct Struct {
    using Type = T;
    static void write(Writer& writer, const T& value) { pack(writer, value); }
    static void read(Reader& reader, T& value) { unpack(reader, value); }
};

template <class Inner>
struct InBin {
    using Type = Packed<typename Inner::Type>;
    static void write(Writer& writer, const Type& value) {
        Writer inner;
        Inner::write(inner, value.value);
        writer.bytes(inner.view());
    }
    static void read(Reader& reader, Type& value) {
        const auto bytes = reader.bytes();
        if (!reader.ok()) {
            return;
        }
        Reader inner(bytes);
        Inner::read(inner, value.value);
        inner.end();
        if (inner.error()) {
            reader.fail(inner.error()->reason, "packed inside, " + inner.error()->message());
        }
    }
};

/// Writes one field of a struct.
template <class Codec>
void write_field(Writer& writer, std::string_view name, const typename Codec::Type& value) {
    writer.text(name);
    Codec::write(writer, value);
}

/// Reads a struct: fields in any order, unknown ones ignored, of one given twice the last counts, a missing one is a
/// failure that names it. `read_field(index)` reads the value of `names[index]`.
template <std::size_t N, class ReadField>
void read_struct(Reader& reader, const std::array<std::string_view, N>& names, ReadField&& read_field) {
    const std::size_t count = reader.map();
    std::bitset<N> seen;
    std::size_t next = 0;  // fields mostly come in our own order
    for (std::size_t pair = 0; pair < count && reader.ok(); ++pair) {
        const std::string_view key = reader.text();
        if (!reader.ok()) {
            return;
        }
        const std::size_t found = next < N && names[next] == key
                                      ? next
                                      : static_cast<std::size_t>(std::ranges::find(names, key) - names.begin());
        if (found == N) {
            reader.skip();
            continue;
        }
        read_field(found);
        if (!reader.ok()) {
            reader.within(key);
            return;
        }
        seen.set(found);
        next = found + 1;
    }
    for (std::size_t at = 0; at < N && reader.ok(); ++at) {
        if (!seen.test(at)) {
            reader.fail(Reason::missing_field, "the field `" + std::string(names[at]) + "` is missing");
        }
    }
}

/// A struct's packed form.
template <class T>
Bytes encode(const T& value) {
    Writer writer;
    pack(writer, value);
    return writer.take();
}

/// A struct from its packed form, or why there is none.
template <class T>
std::variant<T, DecodeError> decode(std::span<const std::uint8_t> bytes) {
    Reader reader(bytes);
    T value{};
    unpack(reader, value);
    reader.end();
    if (reader.error()) {
        return *reader.error();
    }
    return value;
}

}  // namespace proofplane::msgpack
