// `echo call`: the script that every language's client runs.
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "echo_client.hpp"
#include "modes.hpp"

namespace {

using proofplane::Code;
using proofplane::Result;

/// Longest wait for any reply of the script: far beyond what a loaded machine needs.
constexpr auto kPatience = std::chrono::seconds(30);

echo::Fr filled(std::uint8_t byte) {
    echo::Fr value;
    value.fill(byte);
    return value;
}

echo::Everything lowest() {
    echo::Everything value;
    value.ratio = -0.5;
    return value;
}

echo::Everything highest() {
    const echo::Point point{.x = filled(0xff), .y = filled(0x01)};
    return {.small = std::numeric_limits<std::uint8_t>::max(),
            .medium = std::numeric_limits<std::uint16_t>::max(),
            .word = std::numeric_limits<std::uint32_t>::max(),
            .large = std::numeric_limits<std::uint64_t>::max(),
            .ratio = std::numeric_limits<double>::max(),
            .flag = true,
            .text = "Grüße, 世界 🌍",
            .blob = std::vector<std::uint8_t>(300, 0xab),
            .field = filled(0xff),
            .maybe = std::numeric_limits<std::uint32_t>::max(),
            .numbers = {0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296, 18446744073709551615U},
            .pair = {filled(0x11), filled(0x22)},
            .state = {{0, {filled(0), 0}}, {4294967295, {filled(0xff), 18446744073709551615U}}},
            .nested = {point},
            .points = std::vector<echo::Point>(17, point),
            .maybe_point = point};
}

/// Says what went wrong; false, so that it can be returned.
bool wrong(const std::string& what) {
    std::cerr << what << '\n';
    return false;
}

bool bytes_come_back(echo::EchoClient& client) {
    for (const std::size_t size : {0, 1, 31, 32, 255, 256, 65535, 65536, 100000}) {
        std::vector<std::uint8_t> data(size);
        for (std::size_t at = 0; at < size; ++at) {
            data[at] = static_cast<std::uint8_t>(at * 7 + size);
        }
        const auto reply = client.echo_bytes({.data = data}).get(kPatience);
        if (!reply) {
            return wrong("EchoBytes: " + reply.error().message);
        }
        if (reply->data != data) {
            return wrong("EchoBytes: " + std::to_string(size) + " bytes came back different");
        }
    }
    return true;
}

bool everything_comes_back(echo::EchoClient& client) {
    for (const auto& value : {lowest(), highest()}) {
        const auto reply = client.echo_everything({.value = value}).get(kPatience);
        if (!reply) {
            return wrong("EchoEverything: " + reply.error().message);
        }
        if (reply->value != value) {
            return wrong("EchoEverything: the value came back different");
        }
    }
    return true;
}

bool measures(echo::EchoClient& client) {
    const echo::Measure request{.name = "measure", .number = 4294967295, .digest = filled(0x5a)};
    const auto reply = client.measure(request).get(kPatience);
    if (!reply) {
        return wrong("Measure: " + reply.error().message);
    }
    const echo::MeasureResponse expected{
        .name = "measure", .number = 4294967295, .digest = filled(0x5a), .tag = 4294967296};
    return *reply == expected || wrong("Measure: another reply than expected");
}

bool errors_arrive(echo::EchoClient& client) {
    const std::string message = "this went wrong: größer";
    const auto failed = client.fail({.message = message}).get(kPatience);
    if (failed || failed.error() != proofplane::Error{Code::refused, message}) {
        return wrong("Fail: " + (failed ? "succeeded" : "another error: " + failed.error().message));
    }
    const auto forgotten = client.forget({}).get(kPatience);
    if (forgotten || forgotten.error().code != Code::refused) {
        return wrong("Forget: " + (forgotten ? "succeeded" : "no error reply: " + forgotten.error().message));
    }
    return true;
}

/// Sends four sleeps at once, the longest first, and prints in which order their replies came.
bool order_shows(echo::EchoClient& client, bool ids) {
    std::mutex mutex;
    std::condition_variable came;
    std::vector<std::uint64_t> order;
    std::string failure;
    for (std::uint32_t token = 1; token <= 4; ++token) {
        client.sleep({.milliseconds = 200 - 50 * token, .token = token}, [&](Result<echo::SleepResponse> reply) {
            const std::lock_guard lock(mutex);
            order.push_back(reply ? reply->token : 0);
            failure = reply ? failure : "Sleep: " + reply.error().message;
            came.notify_one();
        });
    }
    std::unique_lock lock(mutex);
    // No timeout: each callback runs on every path, and refers to this frame.
    came.wait(lock, [&] { return order.size() == 4; });
    if (!failure.empty()) {
        return wrong(failure);
    }
    std::cout << "order:";
    for (const auto token : order) {
        std::cout << ' ' << token;
    }
    std::cout << '\n';
    const std::vector<std::uint64_t> expected =
        ids ? std::vector<std::uint64_t>{4, 3, 2, 1} : std::vector<std::uint64_t>{1, 2, 3, 4};
    return order == expected || wrong("Sleep: the replies came in another order than expected");
}

}  // namespace

int call(const std::string& address, bool ids) {
    auto client = echo::connect(address, {.ids = ids ? proofplane::Ids::required : proofplane::Ids::never});
    if (!client) {
        wrong(client.error().message);
        return 1;
    }
    const bool good = bytes_come_back(*client) && everything_comes_back(*client) && measures(*client) &&
                      errors_arrive(*client) && order_shows(*client, ids);
    if (!good) {
        return 1;
    }
    std::cout << "ok" << std::endl;
    return 0;
}
