// Hello and its reply as structs, for `echo golden` alone: in calls the core asks and answers them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proofplane/msgpack/codecs.hpp"

namespace hello {

namespace codec = proofplane::msgpack;

struct Hello {
    std::array<std::uint8_t, 32> schema_hash{};
};

inline void pack(codec::Writer& writer, const Hello& value) {
    writer.map(1);
    codec::write_field<codec::Fixed<32>>(writer, "schema_hash", value.schema_hash);
}

inline void unpack(codec::Reader& reader, Hello& value) {
    static constexpr std::array<std::string_view, 1> names{"schema_hash"};
    codec::read_struct(reader, names, [&](std::size_t) { codec::Fixed<32>::read(reader, value.schema_hash); });
}

struct HelloResponse {
    std::array<std::uint8_t, 32> schema_hash{};
    bool ids{};
    std::uint32_t max_frame{};
};

inline void pack(codec::Writer& writer, const HelloResponse& value) {
    writer.map(3);
    codec::write_field<codec::Fixed<32>>(writer, "schema_hash", value.schema_hash);
    codec::write_field<codec::Bool>(writer, "ids", value.ids);
    codec::write_field<codec::U32>(writer, "max_frame", value.max_frame);
}

inline void unpack(codec::Reader& reader, HelloResponse& value) {
    static constexpr std::array<std::string_view, 3> names{"schema_hash", "ids", "max_frame"};
    codec::read_struct(reader, names, [&](std::size_t field) {
        switch (field) {
            case 0:
                return codec::Fixed<32>::read(reader, value.schema_hash);
            case 1:
                return codec::Bool::read(reader, value.ids);
            default:
                return codec::U32::read(reader, value.max_frame);
        }
    });
}

}  // namespace hello
