// `echo golden`: each line `request|reply HEX` on stdin is decoded and encoded anew; what cannot be decoded prints
// `error REASON`.
#include <array>
#include <cstdint>
#include <iostream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "echo_types.hpp"
#include "envelope.hpp"
#include "hello.hpp"
#include "modes.hpp"

namespace {

using proofplane::msgpack::Bytes;
using proofplane::msgpack::DecodeError;
using proofplane::msgpack::Reason;

using Recode = std::variant<Bytes, DecodeError> (*)(std::span<const std::uint8_t>);

template <class T>
std::variant<Bytes, DecodeError> recode(std::span<const std::uint8_t> payload) {
    const auto value = proofplane::msgpack::decode<T>(payload);
    if (const auto* why = std::get_if<DecodeError>(&value)) {
        return *why;
    }
    return proofplane::msgpack::encode(std::get<T>(value));
}

const std::map<std::string_view, Recode> kRequests = {
    {"Hello", recode<hello::Hello>},
    {"EchoBytes", recode<echo::EchoBytes>},
    {"EchoEverything", recode<echo::EchoEverything>},
    {"Measure", recode<echo::Measure>},
    {"Sleep", recode<echo::Sleep>},
    {"Fail", recode<echo::Fail>},
    {"Forget", recode<echo::Forget>},
};

const std::map<std::string_view, Recode> kReplies = {
    {"HelloResponse", recode<hello::HelloResponse>},
    {"EchoBytesResponse", recode<echo::EchoBytesResponse>},
    {"EchoEverythingResponse", recode<echo::EchoEverythingResponse>},
    {"MeasureResponse", recode<echo::MeasureResponse>},
    {"SleepResponse", recode<echo::SleepResponse>},
    {"FailResponse", recode<echo::FailResponse>},
    {"ForgetResponse", recode<echo::ForgetResponse>},
    {"ErrorResponse", recode<echo::ErrorResponse>},
};

std::string_view word(Reason reason) {
    switch (reason) {
        case Reason::truncated:
            return "truncated";
        case Reason::trailing:
            return "trailing";
        case Reason::wrong_type:
            return "wrong_type";
        case Reason::out_of_range:
            return "out_of_range";
        case Reason::wrong_length:
            return "wrong_length";
        case Reason::missing_field:
            return "missing_field";
        case Reason::not_utf8:
            return "not_utf8";
        case Reason::not_a_value:
            return "not_a_value";
    }
    return "unknown";
}

std::optional<Bytes> from_hex(std::string_view hex) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (hex.size() % 2 != 0 || hex.find_first_not_of(digits) != std::string_view::npos) {
        return std::nullopt;
    }
    Bytes bytes(hex.size() / 2);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] = static_cast<std::uint8_t>(digits.find(hex[2 * at]) << 4 | digits.find(hex[2 * at + 1]));
    }
    return bytes;
}

std::string to_hex(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (const std::uint8_t byte : bytes) {
        hex += digits[byte >> 4];
        hex += digits[byte & 0x0f];
    }
    return hex;
}

std::string answer(std::string_view line) {
    const std::size_t blank = line.find(' ');
    const std::string_view kind = line.substr(0, blank);
    const auto body = from_hex(blank == std::string_view::npos ? "" : line.substr(blank + 1));
    if ((kind != "request" && kind != "reply") || !body) {
        return "error not_a_line";
    }
    const bool request = kind == "request";
    auto read = read_envelope(*body, request);
    if (const auto* reason = std::get_if<std::string_view>(&read)) {
        return "error " + std::string(*reason);
    }
    auto& envelope = std::get<Envelope>(read);
    const auto& known = request ? kRequests : kReplies;
    const auto found = known.find(envelope.name);
    if (found == known.end()) {
        return "error unknown_name";
    }
    const auto payload = found->second(envelope.payload);
    if (const auto* why = std::get_if<DecodeError>(&payload)) {
        return "error " + std::string(word(why->reason)) + " " + why->message();
    }
    envelope.payload = std::get<Bytes>(payload);
    return to_hex(write_envelope(envelope, request));
}

}  // namespace

int golden() {
    for (std::string line; std::getline(std::cin, line);) {
        std::cout << answer(line) << '\n';
    }
    return 0;
}
