// Calls a real bb through the generated C++ client: `program ADDRESS PID`. Prints what it answered; the exit status is
// 0 if all is well.
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

#include "barretenberg_client.hpp"

namespace {

void print(const char* what, const auto& bytes) {
    std::cout << what << ' ' << std::hex << std::setfill('0');
    for (const std::uint8_t byte : bytes) {
        std::cout << std::setw(2) << unsigned{byte};
    }
    std::cout << std::endl;
}

std::vector<std::uint8_t> abc(int times) {
    std::vector<std::uint8_t> bytes;
    for (int count = 0; count < times; ++count) {
        bytes.insert(bytes.end(), {'a', 'b', 'c'});
    }
    return bytes;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        return 2;
    }
    proofplane::ClientOptions options;
    options.child_pid = static_cast<std::uint32_t>(std::stoul(arguments[2]));
    auto client = barretenberg::connect(arguments[1], options);
    if (!client) {
        std::cerr << client.error().message << '\n';
        return 1;
    }
    // One after the other: each finds the thread that reads replies asleep, or just going to sleep.
    for (int call = 1; call < 200; ++call) {
        if (!client->blake2s({.data = abc(call)}).get().ok()) {
            return 1;
        }
    }
    print("blake2s", client->blake2s({.data = abc(10)}).get().value().hash);
    barretenberg::Poseidon2Hash fields{};
    fields.inputs.resize(2);
    fields.inputs[0].back() = 1;
    fields.inputs[1].back() = 2;
    print("poseidon2", client->poseidon2_hash(fields).get().value().hash);
    std::cout << client->chonk_batch_verify({}).get().error().message << std::endl;
    return client->shutdown({}).get().ok() ? 0 : 1;
}
